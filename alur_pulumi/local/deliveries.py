"""What services of AWS do of themselves: rules tell workflows and topics of events, schedules call Glue.

Each is judged by the policy that says who may, as a job's requests are. What is not allowed is not done, is told among
the refusals, and goes to the queue of what was not delivered, as far as whoever would put it there may do that.
"""

import datetime as dt
import json
import uuid
from collections.abc import Callable, MutableSequence
from typing import Any, Final

import attrs
from moto.events.models import events_backends
from moto.glue.models import glue_backends
from moto.scheduler.models import Schedule, scheduler_backends
from moto.sqs.models import Queue, sqs_backends

from alur_pulumi.local.access import Need, lets_service
from alur_pulumi.local.glue_api import GlueError
from alur_pulumi.local.glue_runner import JobRun
from alur_pulumi.local.run_access import Refusal, RunAccess
from alur_pulumi.local.topics import Topics

_EVENTS: Final = "events.amazonaws.com"
_SCHEDULER: Final = "scheduler.amazonaws.com"
_SEVERITIES: Final = {"FAILED": "ERROR", "TIMEOUT": "WARN"}
_NO_POLICY: Final = '{"Statement": []}'
_START_JOB: Final = ":scheduler:::aws-sdk:glue:startJobRun"

Json = dict[str, Any]


@attrs.frozen(kw_only=True)
class Deliveries:
    """Delivers what rules and schedules send.

    Attributes:
        account: The account's number.
        access: Judges their roles.
        refusals: Gets what they were refused.
        topics: Publishes to topics.
        notify: Tells a workflow of an event: region and name.
        fire: Fires a trigger of Glue: region and moto's trigger.
        start: Answers StartJobRun: region and request.
    """

    account: str
    access: RunAccess
    refusals: MutableSequence[Refusal]
    topics: Topics
    notify: Callable[[str, str], None]
    fire: Callable[[str, Any], None]
    start: Callable[[str, Json], Json | None]

    def event(self, rule: Any, target: Json, event: Json) -> None:
        """A rule tells a workflow or a topic of an event.

        Args:
            rule: moto's rule.
            target: The rule's target.
            event: What happened.
        """
        if ":workflow/" in target["Arn"]:
            self._to_workflow(rule, target, event)
        else:
            # EventBridge does not say on whose behalf it publishes
            self.topics.publish(_EVENTS, target["Arn"], json.dumps(event), {})

    def _to_workflow(self, rule: Any, target: Json, event: Json) -> None:
        source = {"aws:SourceArn": rule.arn}
        need = Need("glue:notifyEvent", target["Arn"])
        refusal = self._refusal(target["RoleArn"], _EVENTS, source, need)
        if refusal is None:
            self.notify(rule.region_name, target["Arn"].partition(":workflow/")[2])
            return
        queue = self._queue(rule.region_name, target)
        if queue is None:
            return
        sent = Need("sqs:SendMessage", queue.queue_arn, {"aws:SourceArn": (rule.arn,)})
        if lets_service(queue.attributes.get("Policy") or _NO_POLICY, _EVENTS, sent):
            self._put(queue, event, refusal.reason)

    def job_ended(self, run: JobRun, state: str) -> None:
        """Send what Glue sends of a run that has ended to the rules that want it.

        Source: AWS Glue developer guide, automating with EventBridge.
        """
        region = run.definition.region
        detail = {
            "jobName": run.definition.name,
            "severity": _SEVERITIES.get(state, "INFO"),
            "state": state,
            "jobRunId": run.id,
            "message": run.error or f"Job run {state.lower()}",
        }
        event: Any = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Glue Job State Change",
            "source": "aws.glue",
            "account": self.account,
            "time": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [],
            "detail": detail,
        }
        for bus in list(events_backends[self.account][region].event_buses.values()):
            for rule in list(bus.rules.values()):
                rule.send_to_targets(event, transform_input=False)

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
        refusal = self._refusal(role, _SCHEDULER, source, Need("glue:StartJobRun", job))
        problem = self._started(region, request) if refusal is None else refusal.reason
        queue = self._queue(region, target) if problem else None
        if queue is not None:
            # unlike a rule, the scheduler puts it there as the role, too
            sent = Need("sqs:SendMessage", queue.queue_arn)
            if self._refusal(role, _SCHEDULER, source, sent) is None:
                self._put(queue, request, problem)
        return not problem

    def _started(self, region: str, request: Json) -> str:
        try:
            self.start(region, request)
        except GlueError as error:
            return error.message
        return ""

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
