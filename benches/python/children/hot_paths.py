"""The reader's hot paths, each run so many times between two marks: callgrind counts their
instructions, the interpreter's for the statement included. Says their names in the end."""

from __future__ import annotations

import gc
import json
import sys
from itertools import repeat

from driftshm_floors import Floor, mark

import driftshm

TIMES = 1000


def main(directory: str) -> None:
    gc.disable()
    reader = driftshm.open(directory)
    market = reader.get_perp_market(0)
    user = reader.users()[0]
    names = {
        "reader": reader,
        "m": market,
        "user": user,
        "address": user.pubkey,
        "floor": Floor(market),
        "get_four": driftshm.fields(
            "amm.historical_oracle_data.last_oracle_price",
            "amm.base_asset_reserve",
            "amm.quote_asset_reserve",
            "amm.last_funding_rate",
        ),
        "repeat": repeat,
    }
    paths = {
        "loop": "pass",
        "floor.existing(0)": "floor.existing(0)",
        "floor.constant": "floor.constant",
        "floor.small_constant": "floor.small_constant",
        "floor.four(m)": "floor.four(m)",
        "reader.get_perp_market(0)": "reader.get_perp_market(0)",
        "m.market_index": "m.market_index",
        "m.amm.base_asset_reserve": "m.amm.base_asset_reserve",
        "m.mark_price": "m.mark_price",
        "fields(four)(m)": "get_four(m)",
        "m.snapshot()": "m.snapshot()",
        "user.snapshot()": "user.snapshot()",
        "reader.get_user(address)": "reader.get_user(address)",
        "reader.snapshot(perp_markets=[0, 1])": "reader.snapshot(perp_markets=[0, 1])",
    }
    for code in paths.values():
        source = (
            "def path(times, mark):\n"
            "    mark()\n"
            f"    for _ in repeat(None, times):\n        {code}\n"
            "    mark()\n"
        )
        scope = dict(names)
        exec(source, scope)
        # For what is made the first time, and for the interpreter to specialize the code.
        scope["path"](100, lambda: None)
        scope["path"](TIMES, mark)
    print(json.dumps({"times": TIMES, "paths": list(paths)}))


if __name__ == "__main__":
    main(sys.argv[1])
