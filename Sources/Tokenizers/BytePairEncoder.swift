/// Byte-pair encoding of one piece: first symbols, then merges.
struct BytePairEncoder: Sendable {
    private let pairs: PairTable
    /// Ids of the 256 bytes (byte-level tokenizers), -1 where the vocabulary lacks one.
    private let byteIDs: [Int32]
    /// Ids of single characters (all others).
    private let scalarIDs: [Unicode.Scalar: Int32]
    private let isByteLevel: Bool
    /// Ids of `<0x00>` to `<0xFF>`, empty unless all are there.
    private let fallbackIDs: [Int32]
    private let unknownID: Int32?
    private let fusesUnknown: Bool
    /// Whole pieces that are tokens, for tokenizers that look there first.
    private let wholePieces: [[UInt8]: Int32]

    /// - Throws: `TokenizerError.malformed` when a merge names or makes a token that is not in the vocabulary.
    init(_ definition: TokenizerDefinition, ids: [ExactString: Int32]) throws(TokenizerError) {
        let special = Set(definition.addedTokens.lazy.filter(\.isSpecial).map(\.id))
        isByteLevel = definition.isByteLevel
        fusesUnknown = definition.fusesUnknown
        unknownID = definition.unknownToken.flatMap { ids[ExactString($0)] }
        byteIDs = ByteAlphabet.scalars.map { ids[ExactString(String($0))] ?? -1 }
        var scalarIDs: [Unicode.Scalar: Int32] = [:]
        var wholePieces: [[UInt8]: Int32] = [:]
        for (key, id) in ids where !special.contains(id) {
            let scalars = key.value.unicodeScalars
            if let only = scalars.first, scalars.dropFirst().isEmpty { scalarIDs[only] = id }
            if definition.ignoresMerges {
                wholePieces[isByteLevel ? ByteAlphabet.bytes(of: key.value) : Array(key.value.utf8)] = id
            }
        }
        self.scalarIDs = scalarIDs
        self.wholePieces = wholePieces
        let fallbackIDs =
            definition.fallsBackToBytes
            ? (UInt8.min...UInt8.max).compactMap { ids[ExactString(ByteFallback.token(of: $0))] } : []
        self.fallbackIDs = fallbackIDs.count == 256 ? fallbackIDs : []
        pairs = try Self.table(of: definition, ids: ids, special: special)
    }

    private static func table(
        of definition: TokenizerDefinition,
        ids: [ExactString: Int32],
        special: Set<Int32>
    ) throws(TokenizerError) -> PairTable {
        var pairs = PairTable(capacity: definition.merges.count)
        for merge in definition.merges {
            guard let left = ids[ExactString(merge.left)], let right = ids[ExactString(merge.right)],
                let merged = ids[ExactString(merge.left + merge.right)]
            else {
                throw .malformed(
                    file: definition.source,
                    reason: "the merge “\(merge.left) \(merge.right)” is of tokens that the vocabulary lacks"
                )
            }
            // Ordinary text must never turn into a special token, whatever the merges say.
            if special.contains(merged) { continue }
            pairs.insert(left, right, PairTable.Merge(rank: merge.rank, id: merged))
        }
        return pairs
    }

    /// Appends the ids of `piece`, which is valid UTF-8.
    func encode(_ piece: ArraySlice<UInt8>, with merger: inout BytePairMerger, symbols: inout [Int32]) {
        symbols.removeAll(keepingCapacity: true)
        if !wholePieces.isEmpty, let id = wholePieces[Array(piece)] {
            symbols.append(id)
            return
        }
        if isByteLevel { appendBytes(of: piece, to: &symbols) } else { appendScalars(of: piece, to: &symbols) }
        merger.merge(&symbols, with: pairs)
    }

    private func appendBytes(of piece: ArraySlice<UInt8>, to symbols: inout [Int32]) {
        var followsUnknown = false
        for byte in piece {
            let id = byteIDs[Int(byte)]
            if id >= 0 { symbols.append(id) } else { appendUnknown(to: &symbols, followsUnknown: followsUnknown) }
            followsUnknown = id < 0
        }
    }

    private func appendScalars(of piece: ArraySlice<UInt8>, to symbols: inout [Int32]) {
        var followsUnknown = false
        for scalar in String(decoding: piece, as: UTF8.self).unicodeScalars {
            if let id = scalarIDs[scalar] {
                symbols.append(id)
                followsUnknown = false
            } else if !fallbackIDs.isEmpty {
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    symbols.append(fallbackIDs[Int(byte)])
                }
            } else {
                appendUnknown(to: &symbols, followsUnknown: followsUnknown)
                followsUnknown = true
            }
        }
    }

    private func appendUnknown(to symbols: inout [Int32], followsUnknown: Bool) {
        guard let unknownID, !(followsUnknown && fusesUnknown) else { return }
        symbols.append(unknownID)
    }
}
