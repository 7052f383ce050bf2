"""The types of the profile ``velocity``: views, snapshots and enums, for annotations,
``isinstance`` and comparisons such as ``market.status == MarketStatus.Active``.

They are the very types that a reader gives while the writer uses that profile, which is
provisional: it was never checked against real accounts.
"""

from ._driftshm import types_of_profile

globals().update(types_of_profile("velocity"))
