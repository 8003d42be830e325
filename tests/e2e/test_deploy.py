"""What is in deploy/ fits the service, and the programs that it is made for take it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from portfolio.settings import PREFIX, Settings
from tests.support.database.databases import DatabaseUnderTest
from tests.support.programs import PROMTOOL
from tests.support.services.service import ServiceProcess, free_port
from tests.support.systemd import find_or_install_systemd_analyze

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
# What Prometheus adds to each series, from its own configuration.
OF_PROMETHEUS = {"job", "instance"}
# Of what Compose and the builders of images know, what is used here; a word beside them is mistyped.
OF_A_SERVICE = {
    "image", "build", "command", "environment", "volumes", "healthcheck", "restart", "depends_on", "ports",
    "stop_grace_period",
}  # fmt: skip
OF_AN_IMAGE = {
    "ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD", "STOPSIGNAL",
}  # fmt: skip
BUY = {"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 50000, "net_amount": 50000, "client_trade_id": "k"}


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    return PROMTOOL.find_or_fetch(tmp_path_factory.mktemp("promtool"))


def passes(*command: str | Path, **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana" / "portfolio.json").read_text())
    return found


def shown() -> list[str]:
    """What the panels of the dashboard ask for."""
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def expressions() -> Iterator[str]:
    """Every expression of the rules and of the dashboard."""
    yield from (rule["expr"] for rule in rules())
    yield from shown()
    yield from (variable["definition"] for variable in dashboard()["templating"]["list"] if "definition" in variable)


def test_prometheus_takes_the_example_of_its_configuration_and_the_rules(promtool: str, tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "portfolio-read.key").write_text("the key\n")
    passes(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_prometheus_can_read_what_the_dashboard_asks_for(promtool: str, tmp_path: Path) -> None:
    values = {"$__rate_interval": "1m", "$instance": ".*", "$job": "portfolio"}
    asked = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(shown())]
    text = json.dumps({"groups": [{"name": "dashboard", "rules": asked}]})
    for variable, value in values.items():
        text = text.replace(variable, value)
    (tmp_path / "dashboard.yml").write_text(text)
    passes(promtool, "check", "rules", tmp_path / "dashboard.yml")


def test_the_dashboard_shows_the_first_log_event_of_its_kind(promtool: str, tmp_path: Path) -> None:
    [expression] = [each for each in shown() if "portfolio_events_total" in each]
    for variable, value in {"$__rate_interval": "1m", "$instance": ".*", "$job": "portfolio"}.items():
        expression = expression.replace(variable, value)
    # Its counter begins with 1: nothing increases. What was not scraped for three minutes had its events before.
    of_one = 'job="portfolio",instance="one"'
    series = f'portfolio_events_total{{{of_one},event="request.failed"}}'
    cases = [
        {
            "expr": expression,
            "eval_time": at,
            "exp_samples": [{"labels": '{event="request.failed"}', "value": 1}][:count],
        }
        for at, count in (("1m", 0), ("2m15s", 1), ("4m", 0), ("8m", 0), ("9m", 0))
    ]
    given = [
        {"series": series, "values": "_x8 1x10 stale _x12 1x20"},
        {"series": f"portfolio_ready{{{of_one}}}", "values": "1x18 stale _x12 1x20"},
    ]
    text = json.dumps({"tests": [{"interval": "15s", "input_series": given, "promql_expr_test": cases}]})
    (tmp_path / "events.yml").write_text(text)
    passes(promtool, "test", "rules", tmp_path / "events.yml")


def test_each_alert_fires_when_it_should_and_not_otherwise(promtool: str) -> None:
    passes(promtool, "test", "rules", PROMETHEUS / "alerts_test.yml")


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    cases = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    fired = {at["alertname"] for case in cases for at in case["alert_rule_test"] if at.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules()}


def test_every_metric_of_the_rules_and_the_dashboard_is_exposed_with_its_labels(
    sqlite_database: DatabaseUnderTest, promtool: str, tmp_path: Path
) -> None:
    with ServiceProcess(sqlite_database, tmp_path) as service:
        assert httpx.post(f"{service.url}/holdings/update", json=BUY).status_code == 200
        assert httpx.post(f"{service.url}/portfolio/refresh").status_code == 200
        told = httpx.get(f"{service.url}/metrics").text
        passes(promtool, "check", "metrics", input=told)
        exposed: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(told):
            for sample in family.samples:
                exposed.setdefault(sample.name, set()).update(sample.labels)
    asked = 0
    for expression in expressions():
        for name, matchers in re.findall(r"\b((?:portfolio|process)_[a-z_]+)(\{.*?\})?", expression):
            assert name in exposed, expression
            labels = set(re.findall(r"(\w+)\s*[=!]", matchers))
            assert labels <= exposed[name] | OF_PROMETHEUS, expression
            asked += 1
    assert asked > 50


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = find_or_install_systemd_analyze()
    for unit in (DEPLOY / "systemd").iterdir():
        installed = unit.read_text().replace("/opt/portfolio/bin/portfolio", str(ServiceProcess.program))
        (tmp_path / unit.name).write_text(installed)
    passes(analyze, "verify", *(path for path in tmp_path.iterdir() if path.suffix in {".service", ".timer"}))


def test_each_unit_makes_the_folder_that_it_works_in() -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))
        assert lines["WorkingDirectory"] == f"/var/lib/{lines['StateDirectory']}"


def test_what_is_deployed_sets_no_setting_that_does_not_exist() -> None:
    found = [
        name
        for path in (*DEPLOY.rglob("*.service"), *DEPLOY.rglob("compose.yml"), ROOT / "Containerfile")
        for name in re.findall(rf"\b{PREFIX}([A-Z_]+)\s*[:=]", path.read_text())
    ]
    assert found
    assert {name.lower() for name in found} <= {*Settings.__struct_fields__, "password"}  # for the database's script


def test_each_file_that_the_compose_file_mounts_or_builds_from_is_there() -> None:
    file = DEPLOY / "compose" / "compose.yml"
    services = yaml.safe_load(file.read_text())["services"]
    mounts = [mount for service in services.values() for mount in service.get("volumes", ()) if mount.startswith(".")]
    assert mounts
    assert all((file.parent / mount.split(":")[0]).is_file() for mount in mounts)
    for name in ("migrate", "portfolio"):
        build = services[name]["build"]
        assert (file.parent / build["context"] / build["dockerfile"]).is_file()


def test_what_the_compose_file_refers_to_is_in_it() -> None:
    document = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
    services, conditions = document["services"], {"service_healthy", "service_completed_successfully"}
    for name, service in services.items():
        assert service.keys() <= OF_A_SERVICE, name
        for needed, said in service.get("depends_on", {}).items():
            assert said["condition"] in conditions
            assert "healthcheck" in services[needed] or said["condition"] != "service_healthy"
        named = {mount.split(":")[0] for mount in service.get("volumes", ())}
        assert {volume for volume in named if not volume.startswith((".", "/"))} <= document["volumes"].keys()
        # No other machine reaches a port of it, and whoever is restarted says when.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert service["restart"] in {"no", "always", "on-failure", "unless-stopped"}
    assert document.keys() == {"name", "services", "volumes"}


def test_each_variable_of_the_compose_file_is_said_at_its_top_and_refused_where_it_is_missing() -> None:
    text = (DEPLOY / "compose" / "compose.yml").read_text()
    said = set(re.findall(r"^#   ([A-Z_]+)=", text, re.MULTILINE))
    used = re.findall(r"\$\{([A-Z_]+)(:\?)?\}", text)
    assert {name for name, _ in used} == said
    assert all(required for _, required in used)


def test_the_image_is_made_of_files_that_are_there_and_runs_as_its_own_user() -> None:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith((" ", "#"))]
    assert {step for step, _ in steps} <= OF_AN_IMAGE
    for step, rest in steps:
        words = [word for word in rest.split() if not word.startswith("--")]
        if step == "COPY" and "--from=" not in rest:
            assert all((ROOT / word).exists() for word in words[:-1]), rest
        if step in {"CMD", "ENTRYPOINT"}:
            assert json.loads(rest)[0] == "portfolio"  # no shell between it and its signals
    last = dict(steps)
    assert last["USER"] not in {"root", "0"}
    assert last["EXPOSE"] == "8026"


def test_the_panels_of_the_dashboard_fit_its_width_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] in {"row", "text"} or all(target["expr"] for target in panel["targets"])


def _health_checks() -> dict[str, list[str]]:
    [line] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())["services"]["portfolio"]["healthcheck"]
    return {"image": json.loads(line), "compose": compose["test"][1:]}


def _status(command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
    assert command[0] == "python"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=folder,
        env={**inherited, **environment},
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    return done.returncode


def test_the_health_check_of_the_image_tells_a_running_service_from_none(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    check = _health_checks()["image"]
    with ServiceProcess(sqlite_database, tmp_path) as service:
        port = str(service.port)
        assert _status(check, tmp_path, {"PORTFOLIO_PORT": port}) == 0
        assert _status(check, tmp_path, {"PORTFOLIO_PORT": str(free_port())}) != 0
        # As Kubernetes, and links between containers, set it.
        (tmp_path / ".env").write_text(f"PORTFOLIO_PORT={port}\n")
        assert _status(check, tmp_path, {"PORTFOLIO_PORT": f"tcp://10.96.0.12:{port}"}) == 0
        # Docker gives each container the proxy that its user has set: nobody is behind that one.
        proxy = {"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": ""}
        assert _status(check, tmp_path, proxy) == 0
        elsewhere = [word.replace(":8026/", f":{port}/") for word in _health_checks()["compose"]]
        assert _status(elsewhere, tmp_path, proxy) == 0
    assert _status(check, tmp_path, {"PORTFOLIO_PORT": port}) != 0
