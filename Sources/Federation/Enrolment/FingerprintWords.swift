import Cryptography

/// Digests as words that can be read out: proquints (Wilkerson 2009, arXiv 0901.4016), 16 bits a word of consonants and vowels.
public enum FingerprintWords {
    private static let consonants = Array("bdfghjklmnprstvz")
    private static let vowels = Array("aiou")
    /// 96 bits: nobody finds a second invitation with the same words.
    private static let wordCount = 6

    /// The first 96 bits of a hexadecimal digest.
    public static func of(_ digest: String) -> String {
        let bytes = [UInt8](hexadecimal: digest) ?? []
        return stride(from: 0, to: min(2 * wordCount, bytes.count - 1), by: 2).map { index in
            word(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]))
        }.joined(separator: " ")
    }

    static func word(_ bits: UInt16) -> String {
        var letters = ""
        // From the top: 4 bits a consonant, 2 bits a vowel.
        for (shift, table) in [(12, consonants), (10, vowels), (6, consonants), (4, vowels), (0, consonants)] {
            letters.append(table[Int(bits >> UInt16(shift)) & (table.count - 1)])
        }
        return letters
    }
}
