/// SplitMix64: fault schedules that can be played again from their number.
struct SeededDice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    /// True once in `sides` throws.
    mutating func isOne(of sides: Int) -> Bool { Int.random(in: 0..<sides, using: &self) == 0 }
}
