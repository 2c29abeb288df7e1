"""The simulated AWS with IAM in front of it: each request of a run is judged by the role's policy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import attrs

from alur_pulumi.local.access import Need, parse_policy, refused
from alur_pulumi.local.access_needs import Place, needs, needs_if_missing
from tests.runtime.cloud_in_memory import Answer, CloudInMemory
from tests.simulation.cloud.answers import client_error

_REFUSALS = {"s3": "AccessDenied"}


@attrs.define
class Role:
    """A role at work.

    Attributes:
        policy: Its only policy's document.
        place: Where it works.
        tag: What names end in where it works.
        asked: What its requests needed.
        refusals: What it was refused.
    """

    policy: str
    place: Place
    tag: str
    asked: dict[str, Need] = attrs.field(factory=dict)
    refusals: list[Need] = attrs.field(factory=list)

    def guard(self, service: str, operation: str, request: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Answer a request if the policy allows all that it needs.

        Raises:
            ClientError: If it does not.
        """
        if operation == "DeleteObjects":
            return self._delete_objects(request, answer)
        self._check(service, operation, needs(service, operation, request, self.place))
        try:
            return answer(request)
        except Exception as error:
            if getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                self._check(service, operation, needs_if_missing(service, operation, request, self.place))
            raise

    def _delete_objects(self, request: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """Of many keys those go that may; the others are told in the answer, as S3 does."""
        wanted = request["Delete"]["Objects"]
        errors = []
        for entry, need in zip(wanted, needs("s3", "DeleteObjects", request, self.place), strict=True):
            if self._lacks((need,)):
                errors.append({"Key": entry["Key"], "Code": "AccessDenied", "Message": f"not authorized: {need}"})
        denied = {error["Key"] for error in errors}
        allowed = [entry for entry in wanted if entry["Key"] not in denied]
        found = answer({**request, "Delete": {**request["Delete"], "Objects": allowed}}) if allowed else {}
        return {**found, **({"Errors": errors} if errors else {})}

    def _check(self, service: str, operation: str, wanted: tuple[Need, ...]) -> None:
        if lacking := self._lacks(wanted):
            code = _REFUSALS.get(service, "AccessDeniedException")
            raise client_error(operation, code, f"The role is not authorized to perform: {lacking}", status=403)

    def _lacks(self, wanted: tuple[Need, ...]) -> Need | None:
        self.asked.update((repr(need), need) for need in wanted)
        lacking = refused(parse_policy(self.policy), wanted)
        if lacking is not None:
            self.refusals.append(lacking)
        return lacking

    @contextlib.contextmanager
    def at_work(self, cloud: CloudInMemory) -> Iterator[None]:
        """Until this ends every request to the cloud is the role's."""
        cloud.guard = self.guard
        try:
            yield
        finally:
            cloud.guard = None
