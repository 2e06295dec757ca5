import Cryptography

/// Bech32 (BIP 173) without its limit of 90 characters, as age writes keys.
public enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// The lower-case text of `bytes` under `prefix` (lower case).
    public static func encode(prefix: String, bytes: [UInt8]) -> [UInt8] {
        let human = Array(prefix.utf8)
        var values = regroup(bytes, from: 8, to: 5, pads: true) ?? []
        defer { values.wipe() }
        let check = checksum(human, values, [0, 0, 0, 0, 0, 0]) ^ 1
        var text = human
        text.reserveCapacity(human.count + values.count + 7)
        text.append(UInt8(ascii: "1"))
        for value in values { text.append(alphabet[Int(value)]) }
        for position in 0..<6 { text.append(alphabet[Int(check >> (5 * (5 - position)) & 31)]) }
        return text
    }

    /// The prefix (lower case) and bytes of `text`; nil for mixed case, other characters, a wrong checksum or padding.
    public static func decode(_ text: some Collection<UInt8>) -> (prefix: String, bytes: [UInt8])? {
        var folded = Array(text)
        defer { folded.wipe() }
        let hasUpper = folded.contains { (65...90).contains($0) }
        if hasUpper {
            if folded.contains(where: { (97...122).contains($0) }) { return nil }
            for index in folded.indices where (65...90).contains(folded[index]) { folded[index] += 32 }
        }
        guard
            let split = folded.lastIndex(of: UInt8(ascii: "1")), split > 0, folded.count - split > 6,
            folded[..<split].allSatisfy({ (33...126).contains($0) })
        else { return nil }
        var values = [UInt8]()
        values.reserveCapacity(folded.count)
        defer { values.wipe() }
        for character in folded[(split + 1)...] {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            values.append(UInt8(value))
        }
        let human = Array(folded[..<split])
        guard checksum(human, values, []) == 1 else { return nil }
        values.removeLast(6)
        guard let bytes = regroup(values, from: 5, to: 8, pads: false) else { return nil }
        return (String(decoding: human, as: UTF8.self), bytes)
    }

    /// BIP 173's check over the expanded prefix, the values and the tail, without a copy of the values.
    private static func checksum(_ human: [UInt8], _ values: [UInt8], _ tail: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
        var check: UInt32 = 1
        func feed(_ value: UInt8) {
            let top = check >> 25
            check = (check & 0x1ff_ffff) << 5 ^ UInt32(value)
            for bit in 0..<5 where top >> bit & 1 == 1 { check ^= generator[bit] }
        }
        for byte in human { feed(byte >> 5) }
        feed(0)
        for byte in human { feed(byte & 31) }
        for value in values { feed(value) }
        for value in tail { feed(value) }
        return check
    }

    private static func regroup(_ values: [UInt8], from: Int, to: Int, pads: Bool) -> [UInt8]? {
        var result = [UInt8]()
        result.reserveCapacity((values.count * from + to - 1) / to)
        var word: UInt32 = 0
        var bits = 0
        for value in values {
            word = (word << from | UInt32(value)) & 0xffff
            bits += from
            while bits >= to {
                bits -= to
                result.append(UInt8(word >> bits & ((1 << to) - 1)))
            }
        }
        let rest = word & ((1 << bits) - 1)
        if pads {
            if bits > 0 { result.append(UInt8(rest << (to - bits) & ((1 << to) - 1))) }
        } else if bits >= from || rest != 0 {
            return nil
        }
        return result
    }
}
