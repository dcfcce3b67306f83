# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench` and `make bench-full`: alternatives measured side by side in one run, as medians and ratios.

A section is a file here with one function, `measure(run: Run) -> list[Table]` (both from `bench.section`), its name in
`SECTIONS` of `bench/run.py`, and a place in `docs/performance.md`:

    <!-- bench:NAME -->
    <!-- /bench:NAME -->

What stands between the two lines is written anew whenever the section has run; the prose around it is yours. `run` says
how much to measure (`full`, `rounds`, `seconds`), where to write files, and takes lines that tell the progress. A
section raises when what it measured is not true: a delivery that was acknowledged and is not stored, a job that failed.

Alternatives take turns (A B A B) so that what else the machine does meets all of them alike. A table shows medians with
the least and the most (`bench.section.spread`), and ratios of neighbours. All sections together take at most 5 minutes
in a quick run and 60 in a full one; each says how long it took.

`bench/run.py [--full] [SECTION…]` runs some of them.
"""

from __future__ import annotations
