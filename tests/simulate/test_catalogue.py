"""The catalogue agrees with the registry and the reviewed categories that the flows will be classified by."""

import csv
from pathlib import Path

import numpy as np
import pytest

from telflow.simulate.catalogue import ACTIVITIES, ODD_SERVICES, PLANS, SEGMENTS, TCP, UDP, Activity, service_table

CATEGORIES = Path("conf/base/categories.csv")
REGISTRY = Path("lib/telflow/classify/resources/iana_services.tsv")


def registered() -> dict[tuple[int, int], str]:
    with REGISTRY.open(encoding="utf-8") as file:
        lines = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
        return {
            (int(line["protocol"]), port): line["service"]
            for line in lines
            if int(line["protocol"]) in (TCP, UDP)
            for port in range(int(line["port_from"]), int(line["port_to"]) + 1)
        }


def categories() -> dict[str, str]:
    with CATEGORIES.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["service"]: row["category"] for row in rows}


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda activity: activity.name)
def test_services_stand_at_their_registered_ports_and_in_one_category(activity: Activity) -> None:
    names, reviewed = registered(), categories()
    for service in activity.services:
        if service.protocol in (TCP, UDP):
            assert names[(service.protocol, service.port)] == service.name
        assert reviewed[service.name] == activity.name


def test_odd_ports_are_registered_for_something_else() -> None:
    names = registered()
    for _, true_service, protocol, port, registered_service in ODD_SERVICES:
        assert names[(protocol, port)] == registered_service
        assert registered_service != true_service


def test_shares_sum_to_one() -> None:
    for number, activity in enumerate(ACTIVITIES):
        assert np.isclose(sum(row[4] for row in service_table() if row[0] == number), 1), activity.name
    for segment in SEGMENTS:
        assert np.isclose(sum(segment.mix), 1), segment.name
    assert np.isclose(sum(segment.weight for segment in SEGMENTS), 1)


def test_dearer_plans_hold_more() -> None:
    assert list(PLANS) == sorted(PLANS, key=lambda plan: (plan.monthly_price, plan.volume_gigabytes))
    assert [plan.volume_gigabytes for plan in PLANS] == sorted(plan.volume_gigabytes for plan in PLANS)
