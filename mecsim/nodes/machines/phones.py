"""Phones, by class.

Their computing is the weakest of the data: a range each, of which the middle is taken. Batteries are of the usual 5,000 mAh at
3.85 V, the flagship's of 4,800 mAh; free storage is a default.
"""

from mecsim.nodes.machines.data_sheet import machine

PHONES = (
    machine(
        "phone-low",
        tflops=0.385,
        efficiency=0.12,
        gbytes_per_s=15.45,
        memory=(4, 0.45),
        watts=(0.5, 2.5),
        launch_ms=20,
        battery_wh=19.25,
        storage_gb=8,
        source="class of Snapdragon 662/695, graphics unit; middles of published ranges; all default",
    ),
    machine(
        "phone-mid",
        tflops=0.72,
        efficiency=0.15,
        gbytes_per_s=17.0,
        memory=(8, 0.45),
        watts=(0.6, 3.5),
        launch_ms=20,
        battery_wh=19.25,
        storage_gb=32,
        source="class of Snapdragon 768G, graphics unit; peak and bandwidth as listed by nanoreview.net; rest default",
    ),
    machine(
        "phone-2019",
        tflops=0.9,
        efficiency=0.15,
        gbytes_per_s=34.1,
        memory=(6, 0.45),
        watts=(0.6, 3.5),
        launch_ms=20,
        battery_wh=15.4,
        storage_gb=32,
        source="class of Snapdragon 855, graphics unit; bandwidth published; rest default, battery of 4,000 mAh",
    ),
    machine(
        "phone-flagship",
        tflops=3.7,
        efficiency=0.15,
        gbytes_per_s=76.8,
        memory=(12, 0.45),
        watts=(0.8, 5.0),
        launch_ms=20,
        battery_wh=18.5,
        storage_gb=128,
        source="class of Snapdragon 8 Gen 3, graphics unit; LPDDR5X-4800 bandwidth published; middle of 4-6 W sustained; "
        "rest default",
    ),
    machine(
        "phone-flagship-cpu",
        tflops=0.37,
        efficiency=0.3,
        gbytes_per_s=76.8,
        memory=(12, 0.45),
        watts=(0.8, 5.0),
        launch_ms=5,
        battery_wh=18.5,
        storage_gb=128,
        source="class of Snapdragon 8 Gen 3, its processor cores, where no graphics unit can be used; bandwidth published; "
        "rest default",
    ),
)
