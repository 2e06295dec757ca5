import Testing

/// Everything that talks over a network, one test after the other: its deadlines are real, and a machine that is busy with a
/// hundred participants of the test beside it would let them pass.
@Suite(.serialized) struct NetworkTests {}
