"""The types of the profile ``drift-v2``: views, snapshots and enums, for annotations,
``isinstance`` and comparisons such as ``market.status == MarketStatus.Active``.

They are the very types that a reader gives while the writer uses that profile.
"""

from ._driftshm import types_of_profile

globals().update(types_of_profile("drift-v2"))
