/// Duplicates within one holder's records and overlap between holders.
public struct DuplicateCounts: Codable, Sendable, Equatable {
    /// Records equal to an earlier one of the same holder.
    public var exact: Int
    /// Records equal to one of another holder.
    public var exactAcrossHolders: Int
    /// Further records at least half of whose 13-grams stand in another record of any holder.
    public var near: Int
    /// Records that share at least one 13-gram with another holder's, equal ones included.
    public var overlappingAcrossHolders: Int

    /// Makes counts.
    public init(exact: Int = 0, exactAcrossHolders: Int = 0, near: Int = 0, overlappingAcrossHolders: Int = 0) {
        self.exact = exact
        self.exactAcrossHolders = exactAcrossHolders
        self.near = near
        self.overlappingAcrossHolders = overlappingAcrossHolders
    }
}

/// Finds repeated records by exact text and by word 13-grams, the contamination measure of GPT-3 (arXiv 2005.14165,
/// appendix C): words in lower case without punctuation.
enum DuplicateScan {
    static let gramLength = 13

    private struct Sighting {
        let record: Int
        let holder: Int
        var isShared = false
        var isSharedAcross = false
    }

    /// Counts for each holder; `texts[h]` are holder h's records.
    static func counts(_ texts: [[String]]) -> [DuplicateCounts] {
        var exact: [String: Set<Int>] = [:]
        var sightings: [UInt64: Sighting] = [:]
        let grams = texts.map { $0.map(Self.grams) }
        var number = 0
        for holder in texts.indices {
            for (index, text) in texts[holder].enumerated() {
                exact[text, default: []].insert(holder)
                for gram in grams[holder][index] {
                    if var known = sightings[gram] {
                        if known.record == number { continue }
                        known.isShared = true
                        if known.holder != holder { known.isSharedAcross = true }
                        sightings[gram] = known
                    } else {
                        sightings[gram] = Sighting(record: number, holder: holder)
                    }
                }
                number += 1
            }
        }
        return texts.indices.map { holder in
            var result = DuplicateCounts()
            var seen: Set<String> = []
            for (index, text) in texts[holder].enumerated() {
                let isRepeat = !seen.insert(text).inserted
                let isElsewhere = (exact[text]?.count ?? 0) > 1
                if isRepeat { result.exact += 1 }
                if isElsewhere { result.exactAcrossHolders += 1 }
                let own = grams[holder][index]
                let shared = own.count { sightings[$0]?.isShared == true }
                if !isRepeat && !isElsewhere && !own.isEmpty && 2 * shared >= own.count { result.near += 1 }
                if isElsewhere || own.contains(where: { sightings[$0]?.isSharedAcross == true }) {
                    result.overlappingAcrossHolders += 1
                }
            }
            return result
        }
    }

    /// Hashes of the distinct 13-grams of a text: FNV-1a over each word, then over the words of each window.
    static func grams(_ text: String) -> Set<UInt64> {
        let prime: UInt64 = 0x100_0000_01b3
        var words: [UInt64] = []
        var hash: UInt64 = 0
        var isInWord = false
        for scalar in text.lowercased().unicodeScalars {
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                if !isInWord { hash = 0xcbf2_9ce4_8422_2325 }
                isInWord = true
                hash = (hash ^ UInt64(scalar.value)) &* prime
            } else if isInWord {
                words.append(hash)
                isInWord = false
            }
        }
        if isInWord { words.append(hash) }
        guard words.count >= gramLength else { return [] }
        var grams: Set<UInt64> = []
        for start in 0...(words.count - gramLength) {
            var gram: UInt64 = 0xcbf2_9ce4_8422_2325
            for word in words[start..<(start + gramLength)] {
                gram = (gram ^ word) &* prime
                gram ^= gram >> 29
            }
            grams.insert(gram)
        }
        return grams
    }
}
