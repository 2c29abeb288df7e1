"""What starts runs without a caller: rules tell workflows of events, schedules call Glue, each as a role.

A role is judged here as a job's is. What it does not allow is not done, is told among the refusals, and goes to the
queue of what was not delivered, as far as whoever would put it there may do that.
"""

import json
from collections.abc import Callable, MutableSequence
from typing import Any, Final

import attrs
from moto.glue.models import glue_backends
from moto.scheduler.models import Schedule, scheduler_backends
from moto.sqs.models import Queue, sqs_backends

from alur_pulumi.local.access import Need, lets_service
from alur_pulumi.local.glue_api import GlueError
from alur_pulumi.local.run_access import Refusal, RunAccess

EVENTS: Final = "events.amazonaws.com"
SCHEDULER: Final = "scheduler.amazonaws.com"
_START_JOB: Final = ":scheduler:::aws-sdk:glue:startJobRun"

Json = dict[str, Any]


@attrs.frozen
class Starts:
    """Starts what rules and schedules ask for.

    Attributes:
        account: The account's number.
        access: Judges their roles.
        refusals: Gets what they were refused.
        notify: Tells a workflow of an event: region and name.
        fire: Fires a trigger of Glue: region and moto's trigger.
        start: Answers StartJobRun: region and request.
    """

    account: str
    access: RunAccess
    refusals: MutableSequence[Refusal]
    notify: Callable[[str, str], None]
    fire: Callable[[str, Any], None]
    start: Callable[[str, Json], Json | None]

    def event(self, rule: Any, target: Json, event: Json) -> None:
        """A rule tells a workflow of an event.

        Args:
            rule: moto's rule.
            target: The rule's target.
            event: What happened.
        """
        source = {"aws:SourceArn": rule.arn}
        need = Need("glue:notifyEvent", target["Arn"])
        refusal = self._refusal(target["RoleArn"], EVENTS, source, need)
        if refusal is None:
            self.notify(rule.region_name, target["Arn"].partition(":workflow/")[2])
            return
        queue = self._queue(rule.region_name, target)
        if queue is None:
            return
        sent = Need("sqs:SendMessage", queue.queue_arn, {"aws:SourceArn": (rule.arn,)})
        if lets_service(queue.attributes.get("Policy") or _NOTHING, EVENTS, sent):
            self._put(queue, event, refusal.reason)

    def schedule(self, region: str, name: str) -> bool:
        """The time of a schedule has come: one of Glue's own, or one of the scheduler.

        Args:
            region: Where it is.
            name: Its name.

        Returns:
            Whether it did something; not if it is off, or may not, or Glue refuses.
        """
        trigger = glue_backends[self.account][region].triggers.get(name)
        if trigger is not None:
            due = trigger.trigger_type == "SCHEDULED" and trigger.state == "ACTIVATED"
            if due:
                self.fire(region, trigger)
            return due
        schedule = scheduler_backends[self.account][region].get_schedule("default", name)
        return schedule.state == "ENABLED" and self._call(region, schedule)

    def _call(self, region: str, schedule: Schedule) -> bool:
        target = schedule.target
        request = json.loads(target["Input"])
        if not target["Arn"].endswith(_START_JOB):
            raise NotImplementedError(target["Arn"])
        role, source = target["RoleArn"], {"aws:SourceAccount": self.account}
        job = f"arn:aws:glue:{region}:{self.account}:job/{request['JobName']}"
        refusal = self._refusal(role, SCHEDULER, source, Need("glue:StartJobRun", job))
        why = "" if refusal is None else refusal.reason
        if refusal is None:
            try:
                self.start(region, request)
            except GlueError as error:
                why = error.message
        if not why:
            return True
        queue = self._queue(region, target)
        # unlike a rule, the scheduler puts it there as the role, too
        if (
            queue is not None
            and self._refusal(role, SCHEDULER, source, Need("sqs:SendMessage", queue.queue_arn)) is None
        ):
            self._put(queue, request, why)
        return False

    def _refusal(self, role: str, service: str, source: dict[str, str], need: Need) -> Refusal | None:
        if self.access.knows(role):
            found = self.access.not_taken(role, service, source) or self.access.lacking(role, (need,))
        else:
            found = Refusal(role, f"{role} is not there, so nobody may perform: {need}")
        if found is not None:
            self.refusals.append(found)
        return found

    def _queue(self, region: str, target: Json) -> Queue | None:
        arn = target.get("DeadLetterConfig", {}).get("Arn", "")
        return sqs_backends[self.account][region].queues.get(arn.rpartition(":")[2])

    def _put(self, queue: Queue, body: Json, why: str) -> None:
        attributes = {"ERROR_MESSAGE": {"DataType": "String", "StringValue": why}}
        sqs_backends[self.account][queue.region].send_message(queue.name, json.dumps(body), attributes)


_NOTHING: Final = '{"Statement": []}'
