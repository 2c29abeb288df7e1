"""The dashboard's body by the documented structure, since no emulator looks at it."""

import json
import re
from typing import Any

import attrs
import pytest

from alur_pulumi.alarms import DYNAMODB, PAGE_OF
from alur_pulumi.cli.main import cli
from alur_pulumi.dashboard import GRID_WIDTH, Shown, dashboard_body, dashboard_name, hour_price
from alur_runtime.config import config_from_json
from alur_runtime.run.metrics import NAMESPACE, Metric
from tests.components.monitor import Monitor, register
from tests.components.programs import ROOT, Pipeline

SHOWN = Shown(
    region="eu-west-1",
    table="sales.orders",
    job="ingest-job-1a2b3c4",
    ledger="state-1a2b3c4",
    log_group="/alur/p/s/ingest/error",
    alarms=("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:one",),
    hour_usd=0.88,
)
BODY = dashboard_body(SHOWN)
WIDGETS: list[dict[str, Any]] = BODY["widgets"]

# What AWS documents: of each kind of widget the properties that it must have, and those that it may.
PROPERTIES: dict[str, tuple[set[str], set[str]]] = {
    "text": ({"markdown"}, {"background"}),
    "alarm": ({"alarms"}, {"title", "sortBy", "states"}),
    "log": ({"region", "query"}, {"title", "view"}),
    "metric": (
        {"metrics", "region"},
        {"title", "view", "stacked", "stat", "period", "yAxis", "legend", "annotations", "liveData", "start", "end"},
    ),
}
RENDERING = {"label", "id", "visible", "stat", "period", "yAxis", "color", "region", "expression"}
DYNAMODB_METRICS = {
    "ConditionalCheckFailedRequests", "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents",
    "WriteThrottleEvents",
}  # fmt: skip
"""Those of the whole table, with `TableName` as their only dimension."""
STATISTICS = {"Sum", "Maximum", "Minimum", "Average", "SampleCount"}


def _of(kind: str) -> list[dict[str, Any]]:
    return [w["properties"] for w in WIDGETS if w["type"] == kind]


def _metrics() -> list[list[Any]]:
    return [metric for properties in _of("metric") for metric in properties["metrics"]]


def test_it_has_no_parts_that_cloudwatch_does_not_know() -> None:
    assert set(BODY) <= {"start", "end", "periodOverride", "widgets", "variables"}
    assert re.fullmatch(r"-P\d+D", BODY["start"])
    assert BODY["periodOverride"] in {"auto", "inherit"}
    assert 0 < len(WIDGETS) <= 500
    assert len(json.dumps(BODY)) < 1_000_000


def test_widgets_lie_on_the_grid_and_not_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in WIDGETS:
        assert set(widget) == {"type", "x", "y", "width", "height", "properties"}
        assert 0 <= widget["x"] < GRID_WIDTH
        assert 1 <= widget["width"] <= GRID_WIDTH - widget["x"]
        assert widget["y"] >= 0
        assert 1 <= widget["height"] <= 1000
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget
        taken |= cells


def test_nothing_is_left_empty_between_them() -> None:
    depth = max(w["y"] + w["height"] for w in WIDGETS)
    assert sum(w["width"] * w["height"] for w in WIDGETS) == depth * GRID_WIDTH


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda w: f"{w['type']}-{w['y']}-{w['x']}")
def test_a_widget_has_the_properties_of_its_kind(widget: dict[str, Any]) -> None:
    needed, known = PROPERTIES[widget["type"]]
    assert needed <= set(widget["properties"]) <= needed | known


def test_graphs_are_as_metric_widgets_are() -> None:
    for graph in _of("metric"):
        assert graph["view"] in {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
        assert graph["stat"] in STATISTICS
        assert graph["period"] >= 60
        assert graph["period"] % 60 == 0
        assert set(graph["yAxis"]) <= {"left", "right"}
        assert graph["region"] == SHOWN.region
        assert 0 < len(graph["metrics"]) <= 500


def test_every_metric_is_one_that_is_published_by_all_of_its_dimensions() -> None:
    for *names, rendering in _metrics():
        assert set(rendering) <= RENDERING
        assert rendering.get("stat", "Sum") in STATISTICS
        assert rendering.get("yAxis", "left") in {"left", "right"}
        if not names:
            assert {"expression", "id"} <= set(rendering)
            continue
        namespace, metric, *dimensions = names
        if namespace == NAMESPACE:
            assert metric in set(Metric)
            assert dimensions == ["Table", SHOWN.table]
        else:
            assert namespace == DYNAMODB
            assert metric in DYNAMODB_METRICS
            assert dimensions == ["TableName", SHOWN.ledger]


def test_expressions_name_metrics_of_their_own_graph() -> None:
    for graph in _of("metric"):
        ids = [metric[-1]["id"] for metric in graph["metrics"] if "id" in metric[-1]]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", name) for name in ids)
        for *_, rendering in graph["metrics"]:
            assert set(re.findall(r"[a-z_]\w*", rendering.get("expression", ""))) <= set(ids)


def test_everything_that_a_run_publishes_is_shown() -> None:
    assert {metric[1] for metric in _metrics() if metric[0] == NAMESPACE} == {m.value for m in Metric}


def test_it_answers_the_four_questions_and_says_what_to_run() -> None:
    texts = "\n".join(text["markdown"] for text in _of("text"))
    questions = ["Is it healthy?", "What came in?", "What was refused?", "What did it cost?"]
    assert re.findall(r"^## (.+)$", texts, re.MULTILINE) == questions
    commands = re.findall(r"`alur (\w+) ([^`]+)`", texts)
    assert {command for command, _ in commands} <= set(cli.commands)
    assert all(rest.startswith(SHOWN.job) for _, rest in commands)
    assert PAGE_OF in texts
    assert (ROOT / PAGE_OF).exists()


def test_the_log_is_asked_by_its_group() -> None:
    (log,) = _of("log")
    source, *steps = log["query"].split(" | ")
    assert source == f"SOURCE '{SHOWN.log_group}'"
    assert {step.split()[0] for step in steps} <= {"fields", "filter", "sort", "limit", "stats"}


@pytest.mark.parametrize(
    ("worker", "number", "execution", "usd"),
    [("G.1X", 2, "STANDARD", 0.88), ("G.4X", 10, "FLEX", 11.6), ("R.2X", 3, "STANDARD", 3.12)],
)
def test_an_hour_costs_what_all_workers_cost(worker: str, number: int, execution: str, usd: float) -> None:
    assert hour_price(worker, number, execution) == pytest.approx(usd)


def test_without_alarms_there_is_no_widget_of_them() -> None:
    assert not [w for w in dashboard_body(attrs.evolve(SHOWN, alarms=()))["widgets"] if w["type"] == "alarm"]


# --- as it is registered ----------------------------------------------------------------------------------------------


def _deployed(**arguments: Any) -> Monitor:
    return register(lambda: Pipeline(**arguments))


def test_it_is_of_this_table_this_job_and_alarms_that_are_there() -> None:
    monitor = _deployed(job={"schedule": "cron(0 6 * * ? *)"})
    dashboard = monitor.one("Dashboard", "ingest-dashboard")
    body = json.loads(dashboard.inputs["dashboardBody"])
    config = config_from_json(monitor.one("BucketObjectv2", "ingest-config").inputs["content"])
    (alarms,) = [w["properties"]["alarms"] for w in body["widgets"] if w["type"] == "alarm"]
    made = {f"arn:aws:aws:eu-west-1:123456789012:metricalarm/{r.name}-1a2b3c4" for r in monitor.of("MetricAlarm")}
    assert set(alarms) == made
    metrics = [m for w in body["widgets"] if w["type"] == "metric" for m in w["properties"]["metrics"] if len(m) > 1]
    assert {m[3] for m in metrics} == {config.table.key, config.ledger.table}
    assert {w["properties"]["region"] for w in body["widgets"] if w["type"] in {"metric", "log"}} == {"eu-west-1"}
    (query,) = [w["properties"]["query"] for w in body["widgets"] if w["type"] == "log"]
    assert any(f"'{r.inputs['name']}'" in query and r.inputs["name"].endswith("/error") for r in monitor.of("LogGroup"))
    # CloudWatch overwrites a dashboard of the same name: the job's made-up name is its own
    assert dashboard.inputs["dashboardName"] == "ingest-job-1a2b3c4"


def test_names_have_only_characters_that_cloudwatch_takes() -> None:
    assert dashboard_name("orders.v2/eu-1a2b3c4") == "orders-v2-eu-1a2b3c4"


def test_it_can_be_turned_off_and_needs_no_alarms() -> None:
    assert _deployed(job={"dashboard": False}).of("Dashboard") == []
    monitor = _deployed(state={"alarms": False}, job={"alarms": False})
    body = json.loads(monitor.one("Dashboard").inputs["dashboardBody"])
    assert "alarm" not in {w["type"] for w in body["widgets"]}
