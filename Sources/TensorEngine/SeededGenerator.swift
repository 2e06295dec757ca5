import Glibc

/// A random generator whose whole state is a value: xoshiro256++ (Blackman and Vigna, 2018), seeded by SplitMix64. Saved
/// and restored it goes on with the same numbers, on every machine. Not for secrets.
public struct SeededGenerator: RandomNumberGenerator, Codable, Sendable, Equatable {
    private let seed: UInt64
    private var state: [UInt64]
    private var spareNormal: Double?

    /// The generator of a seed.
    public init(seed: UInt64) {
        self.seed = seed
        var mixer = seed
        state = (0..<4).map { _ in SeededGenerator.splitMix(&mixer) }
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let sum = state[0] &+ state[3]
        let result = (sum << 23 | sum >> 41) &+ state[0]
        let shifted = state[1] << 17
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = state[3] << 45 | state[3] >> 19
        return result
    }

    /// Uniform in [0, 1), 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal (Box and Muller, 1958).
    public mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        let radius = (-2 * log(1 - uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spareNormal = radius * sin(angle)
        return radius * cos(angle)
    }

    /// The generator for one purpose: a function of this one's seed and of the label only, never of the numbers already
    /// drawn, so that adding a draw somewhere changes nothing elsewhere.
    public func derive(_ label: String) -> SeededGenerator {
        // FNV-1a over the label, then mixed with the seed.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        var mixer = seed
        mixer = SeededGenerator.splitMix(&mixer) ^ hash
        return SeededGenerator(seed: SeededGenerator.splitMix(&mixer))
    }

    private static func splitMix(_ x: inout UInt64) -> UInt64 {
        x &+= 0x9e37_79b9_7f4a_7c15
        var z = x
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
