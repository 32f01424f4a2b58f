"""An architecture from outside: ViT-H/14 at 224 pixels, to account as (Dosovitskiy et al., 2021, table 1: 632 M parameters).

A scenario names it: ``plugins: [vit_huge]`` and ``account_as: vit-huge-14``.
"""

from learners.catalog import ARCHITECTURES, Architecture

if "vit-huge-14" not in ARCHITECTURES:
    ARCHITECTURES.put(
        "vit-huge-14",
        Architecture(
            description="ViT-H/14 at 224 pixels",
            family="vit",
            config={
                "hidden_size": 1280,
                "num_hidden_layers": 32,
                "num_attention_heads": 16,
                "intermediate_size": 5120,
                "image_size": 224,
                "patch_size": 14,
                "num_channels": 3,
            },
        ),
    )
