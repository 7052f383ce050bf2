"""The metrics as Prometheus gets them, and the dashboard and alerts that are made for them."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from support import ROOT, Writer, until

GRAFANA = ROOT / "examples" / "grafana"
NAME = re.compile(r"\b(?:driftshm|process)_[a-z0-9_]+")
# What a metric is called, and whether its samples have `_total` behind that.
TYPE = re.compile(r"^# TYPE (\S+) (counter|gauge)$", re.MULTILINE)


def address(writer: Writer) -> str:
    """Where the writer says that it serves metrics."""
    found = until(
        "the address is in the log", lambda: re.search(r"http://[\d.:]+/metrics", writer.tail())
    )
    return found.group().removesuffix("/metrics")


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def served(writer: Any) -> tuple[Writer, str]:
    made = writer(
        "--feed", "sim", "--rate", "500", "--users", "20", "--metrics-listen", "127.0.0.1:0"
    )
    return made, address(made)


def names(page: str) -> set[str]:
    """Every metric that a page tells of, also those that have no samples yet."""
    return {name + "_total" * (kind == "counter") for name, kind in TYPE.findall(page)}


def test_dashboard_and_alerts_ask_only_for_metrics_that_there_are(
    served: tuple[Writer, str],
) -> None:
    status, page = get(f"{served[1]}/metrics")
    assert status == 200
    known = names(page)
    dashboard = json.loads((GRAFANA / "driftshm.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [
        each["definition"] for each in dashboard["templating"]["list"] if "definition" in each
    ]
    alerts = re.findall(r"expr: (.+)", (GRAFANA / "alerts.yml").read_text(encoding="utf-8"))
    assert len(queries) > 20
    assert len(alerts) > 4
    for query in queries + alerts:
        asked = set(NAME.findall(query))
        assert asked, query
        assert asked <= known, query


def test_the_documentation_lists_every_metric_and_no_other(served: tuple[Writer, str]) -> None:
    _, page = get(f"{served[1]}/metrics")
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.split("### Metrics")[1].split("### Counters")[0]
    listed = set(NAME.findall(table)) - {"process_"}
    with served[0].open() as reader:
        counters = {name for name in reader.stats() if f"driftshm_{name}_total" in names(page)}
    assert len(counters) > 15
    of_region = {f"driftshm_{name}_total" for name in counters}
    told = {name for name in names(page) - of_region if name.startswith("driftshm_")}
    assert told == {name for name in listed if name.startswith("driftshm_")}
    of_process = {name for name in names(page) if name.startswith("process_")}
    assert of_process
    for name in of_process:
        assert f"`{name.removeprefix('process_')}`" in table
    below = text.split("### Counters")[1].split("## ")[0]
    for name in counters:
        assert f"`{name}`" in below, name


def test_a_writer_that_was_stopped_for_a_moment_is_ready_when_it_goes_on(
    served: tuple[Writer, str],
) -> None:
    writer, url = served
    assert get(f"{url}/readyz")[0] == 200
    writer.signal(signal.SIGSTOP)
    # Longer than a feed may be away, but nobody has seen it be away for so long. There is no event
    # to await: what is waited for is that time goes by.
    time.sleep(6)
    writer.signal(signal.SIGCONT)
    assert get(f"{url}/readyz")[0] == 200
    until("its heart beats", lambda: get(f"{url}/healthz")[0] == 200)
    assert get(f"{url}/readyz")[0] == 200


def test_what_is_exported_is_what_the_reader_says(served: tuple[Writer, str]) -> None:
    writer, url = served
    with writer.open() as reader, reader.subscribe():

        def samples() -> dict[str, float]:
            lines = [line for line in get(f"{url}/metrics")[1].splitlines() if line[0] != "#"]
            return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

        until("the bot is there", lambda: samples()["driftshm_subscriptions"] == 1)
        page, stats = samples(), reader.stats()
        assert page["driftshm_generation"] == reader.generation
        assert 0 < page["driftshm_published_total"] <= stats["published"]
        for kind, capacity in stats["capacity"].items():
            assert page[f'driftshm_record_capacity{{kind="{kind}"}}'] == capacity
            assert page[f'driftshm_records{{kind="{kind}"}}'] == stats["records"][kind]
        assert page["process_open_fds"] >= 10
