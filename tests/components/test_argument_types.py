"""Arguments of another kind than their class says are refused at preview, each by its name."""

from __future__ import annotations

import types
import typing
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.argument_types import check_types, hints_of
from alur_pulumi.checks import Checker
from tests.components.monitor import register
from tests.components.programs import OrderLines, Pipeline

_ARGS: list[type[Any]] = [alur.StateTableArgs, alur.BronzeTableArgs, alur.IngestionJobArgs, alur.PipelineArgs]
_HELD: list[type[Any]] = [
    alur.Source,
    alur.Settings,
    alur.ErrorBudget,
    alur.CsvOptions,
    alur.StartOnArrival,
    alur.Network,
]
_FIELDS = [
    pytest.param(kind, field.name, id=f"{kind.__name__}.{field.name}")
    for kind in (*_ARGS, *_HELD)
    for field in attrs.fields(kind)
]


def _with(kind: type[Any], name: str, value: object) -> Any:
    """Arguments of which one has this value, and the others what they are by default, or nothing that would do."""
    made = object.__new__(kind)
    for field in attrs.fields(kind):
        default = field.default.factory() if isinstance(field.default, attrs.Factory) else field.default  # type: ignore[arg-type]
        object.__setattr__(made, field.name, value if field.name == name else default)
    return made


def _names_refused(kind: type[Any], name: str, value: object) -> bool:
    """Whether it is refused by this name: what comes before it in the class and has no default is, by its own."""
    given = _with(kind, name, value)
    for field in attrs.fields(kind):
        if field.default is attrs.NOTHING and field.name != name:
            hint = hints_of(kind)[field.name]
            object.__setattr__(given, field.name, _fitting(hint))
    try:
        check_types(Checker("It"), given, kind)
    except alur.ArgumentError as error:
        return error.argument == name
    return False


def _fitting(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _fitting(typing.get_args(hint)[0])
    origin = typing.get_origin(hint) or hint
    if origin is type:
        return OrderLines
    if isinstance(origin, type) and issubclass(origin, pulumi.Resource):
        return object.__new__(origin)
    return "text" if origin is str else []


def _members(hint: Any) -> set[Any]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return {typing.get_origin(one) or one for one in typing.get_args(hint)}
    return {typing.get_origin(hint) or hint}


@pytest.mark.parametrize(("kind", "name"), _FIELDS)
def test_each_argument_has_its_kind(kind: type[Any], name: str) -> None:
    members = _members(hints_of(kind)[name])
    assert _names_refused(kind, name, object()) is (Any not in members)
    assert _names_refused(kind, name, None) is not bool(members & {Any, type(None)})
    assert _names_refused(kind, name, pulumi.Output.from_input("x")) is not bool(members & {Any, pulumi.Output})
    assert _names_refused(kind, name, True) is not bool(members & {Any, bool})


_SOURCES = "IngestionJob 'ingest': sources"
_TEXT: Any = "5"
_PLAIN = "it must be known at preview, and an output is not"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"job": {"glue_version": None}}, "glue_version is None: give a text"),
        ({"job": {"glue_version": 5.0}}, "glue_version is 5.0: give a text"),
        ({"job": {"timeout_minutes": "60"}}, "timeout_minutes is '60': give a whole number"),
        ({"job": {"timeout_minutes": 100000.0}}, "timeout_minutes is 100000.0: give a whole number"),
        ({"job": {"alarms": "false"}}, "alarms is 'false': give True or False"),
        ({"job": {"schedule_enabled": "false"}}, "schedule_enabled is 'false': give True or False"),
        ({"job": {"sources": "orders/"}}, f"{_SOURCES} is 'orders/': give a list, each Source(...)"),
        ({"job": {"sources": alur.Source(name="a")}}, "give a list, each Source(...)"),
        ({"job": {"sources": [{"name": "a"}]}}, f"{_SOURCES}[0] is {{'name': 'a'}}: give Source(...)"),
        ({"job": {"sources": [alur.Source(name="a", hidden=_TEXT)]}}, "sources[0].hidden is '5': give True or False"),
        (
            {"job": {"sources": [alur.Source(name="a", budget=alur.ErrorBudget(rows=_TEXT))]}},
            "sources[0].budget.rows is '5'",
        ),  # type: ignore[arg-type]
        ({"job": {"settings": {"threads": 3}}}, "settings is {'threads': 3}: give Settings(...)"),
        ({"job": {"settings": alur.Settings(threads=_TEXT)}}, "settings.threads is '5': give a whole number"),
        ({"job": {"wheels": None}}, "wheels is None: give a list, each a text or a path"),
        ({"job": {"code": ["a"]}}, "code is ['a']: give a text or a path or None"),
        ({"job": {"tags": None}}, "tags is None: give a dict"),
        ({"job": {"tags": {"team": 5}}}, "tags['team'] is 5: give a text"),
        ({"job": {"start_on_arrival": alur.StartOnArrival}}, "give StartOnArrival(...) or None"),
        (
            {"job": {"start_on_arrival": alur.StartOnArrival(window_seconds=_TEXT)}},
            "start_on_arrival.window_seconds is '5'",
        ),  # type: ignore[arg-type]
        ({"table": {"on_change": None}}, "on_change is None: give OnChange.REPLACE or OnChange.APPEND"),
        ({"table": {"abort_uploads_after_days": None}}, "abort_uploads_after_days is None: give a whole number"),
        ({"state": {"shards": "4"}}, "shards is '4': give a whole number"),
    ],
)
def test_what_people_give_is_answered_by_what_is_wanted(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        register(lambda: Pipeline(**arguments))
    assert says in str(caught.value)


@pytest.mark.parametrize("argument", ["table_name", "timeout_minutes", "schedule_timezone", "prefix"])
def test_an_output_where_a_plain_value_decides(argument: str) -> None:
    def program() -> None:
        output: Any = pulumi.Output.from_input("x")
        if argument == "table_name":
            Pipeline(table={argument: output})
        elif argument == "prefix":
            Pipeline(job={"sources": [alur.Source(name="a", prefix=output)]})
        else:
            Pipeline(job={argument: output})

    with pytest.raises(alur.ArgumentError) as caught:
        register(program)
    assert argument in caught.value.argument
    assert _PLAIN in str(caught.value)


@pytest.mark.parametrize("component", [alur.StateTable, alur.BronzeTable, alur.IngestionJob, alur.Pipeline])
@pytest.mark.parametrize(
    "args", [{}, None, pulumi.ResourceOptions(), alur.StateTableArgs], ids=["dict", "none", "options", "class"]
)
def test_arguments_are_of_the_class_of_the_component(component: Any, args: Any) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        register(lambda: component("it", args))
    assert str(caught.value).endswith(f": give {component.__name__}Args(...)")
