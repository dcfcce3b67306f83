# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.playhook.webhooks.plugins.module_utils._errors import RequestRefused
from ansible_collections.playhook.webhooks.plugins.module_utils._plan import Plan, Step


@pytest.mark.parametrize(("about", "sentence"), [("", "No."), ("Node 'unit'", "Node 'unit': No.")])
def test_a_refusal_names_the_part_that_it_is_about(about, sentence):
    def send(method, path, body):
        raise RequestRefused("No.")

    plan = Plan({}, {}, (Step("POST", "workflow_nodes/", {}, about=about),))
    with pytest.raises(RequestRefused) as refused:
        plan.apply(send)

    assert str(refused.value) == sentence
