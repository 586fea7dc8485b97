def test_a_good_update_is_allowed_signed_and_recorded(world):
    signed, crossing, _ = world.allowed_update()
    assert signed.decision.rules == ("export.update.sovereign-global",)
    [entry] = world.events("gate.allowed")
    assert entry["artifact"] == crossing.artifact.digest
