"""Small scenarios without training, for tests of what is around a study."""

MADE_UP = """\
schema: 1
name: made-up
seed: 1
replications: 2
learning: {kind: synthetic}
network:
  stations:
    - {name: north, position_m: [100, 100], height_m: 10, tx_power_dbm: 33}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: 20, downlink_share: 0.75}
  path_loss: {kind: umi}
fleet:
  area_m: [200, 200]
  backbone_preinstalled: true
  groups:
    - {profile: phone-mid, count: 8}
server: {profile: server-a100}
protocol: {kind: sync, rounds: 3, clients_per_round: 3}
schemes:
  - {name: synthetic, label: small, backbone_mb: 10, download_mb: 1, update_mb: 1, flop_per_sample: 1000000000.0}
  - {name: synthetic, label: large, backbone_mb: 10, download_mb: 8, update_mb: 8, flop_per_sample: 1000000000.0}
sweep:
  - {key: network.carrier.bandwidth_mhz, values: [5, 20]}
  - {kind: variants, name: asked, variants: {few: {}, many: {protocol.clients_per_round: 6}}}
"""
