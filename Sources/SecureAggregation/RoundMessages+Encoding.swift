import Cryptography

extension Advertisement {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x20 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(id)
        writer.put(maskKey)
        writer.put(encryptionKey)
        writer.put(nonceCommitment)
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        id = try reader.take(UInt32.self)
        maskKey = try reader.take(32)
        encryptionKey = try reader.take(32)
        nonceCommitment = try reader.take(32)
        signature = try reader.take(Ed25519.signatureLength)
    }
}

extension AdvertisementList {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x21 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(UInt16(truncatingIfNeeded: advertisements.count))
        for advertisement in advertisements { advertisement.write(to: &writer) }
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        advertisements = try reader.takeList(id: \.id) { try Advertisement(from: &$0) }
    }
}

extension ShareBundle {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x30 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(id)
        writer.put(seedCommitment)
        writer.put(UInt16(truncatingIfNeeded: shares.count))
        for share in shares {
            writer.put(share.id)
            writer.put(share.bytes)
        }
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        id = try reader.take(UInt32.self)
        seedCommitment = try reader.take(32)
        shares = try reader.takeList(id: \.id) {
            EncryptedShare(id: try $0.take(UInt32.self), bytes: try $0.take(EncryptedShare.length))
        }
        signature = try reader.take(Ed25519.signatureLength)
    }
}

extension ShareDelivery {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x31 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(UInt16(truncatingIfNeeded: entries.count))
        for entry in entries {
            writer.put(entry.id)
            writer.put(entry.seedCommitment)
            writer.put(entry.sharesHash)
            writer.put(entry.signature)
            writer.put(UInt8(entry.share.isEmpty ? 0 : 1))
            writer.put(entry.share)
        }
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        entries = try reader.takeList(id: \.id) { reader in
            let id = try reader.take(UInt32.self)
            let commitment = try reader.take(32)
            let sharesHash = try reader.take(32)
            let signature = try reader.take(Ed25519.signatureLength)
            let flag = try reader.take(UInt8.self)
            guard flag <= 1 else { throw reader.malformed("a flag is \(flag)") }
            return Entry(
                id: id,
                seedCommitment: commitment,
                sharesHash: sharesHash,
                signature: signature,
                share: try reader.take(flag == 1 ? EncryptedShare.length : 0)
            )
        }
    }
}

extension MaskedInput {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x40 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(id)
        writer.put(sharersHash)
        writer.put(words: words, bits: bits)
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        id = try reader.take(UInt32.self)
        sharersHash = try reader.take(32)
        (words, bits) = try reader.takeWords()
        signature = try reader.take(Ed25519.signatureLength)
    }
}

extension SurvivorList {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x41 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(UInt16(truncatingIfNeeded: entries.count))
        for entry in entries {
            writer.put(entry.id)
            writer.put(entry.vectorHash)
            writer.put(entry.signature)
        }
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        entries = try reader.takeList(id: \.id) {
            Entry(
                id: try $0.take(UInt32.self),
                vectorHash: try $0.take(32),
                signature: try $0.take(Ed25519.signatureLength)
            )
        }
    }
}

extension ConsistencySignature {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x50 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(id)
        writer.put(survivorsHash)
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        id = try reader.take(UInt32.self)
        survivorsHash = try reader.take(32)
        signature = try reader.take(Ed25519.signatureLength)
    }
}

extension UnmaskRequest {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x51 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        for ids in [survivors, dropouts] {
            writer.put(UInt16(truncatingIfNeeded: ids.count))
            for id in ids { writer.put(id) }
        }
        writer.put(UInt16(truncatingIfNeeded: confirmations.count))
        for confirmation in confirmations {
            writer.put(confirmation.id)
            writer.put(confirmation.signature)
        }
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        survivors = try reader.takeList(id: { $0 }) { try $0.take(UInt32.self) }
        dropouts = try reader.takeList(id: { $0 }) { try $0.take(UInt32.self) }
        confirmations = try reader.takeList(id: \.id) {
            Confirmation(id: try $0.take(UInt32.self), signature: try $0.take(Ed25519.signatureLength))
        }
    }
}

extension UnmaskAnswer {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x60 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(id)
        for shares in [seedShares, keyShares] {
            writer.put(UInt16(truncatingIfNeeded: shares.count))
            for share in shares {
                writer.put(share.id)
                writer.put(share.bytes)
            }
        }
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        id = try reader.take(UInt32.self)
        seedShares = try reader.takeList(id: \.id) { Share(id: try $0.take(UInt32.self), bytes: try $0.take(32)) }
        keyShares = try reader.takeList(id: \.id) { Share(id: try $0.take(UInt32.self), bytes: try $0.take(32)) }
        signature = try reader.take(Ed25519.signatureLength)
    }
}

extension RoundResult {
    /// See ``RoundMessage``.
    public static var kind: UInt8 { 0x70 }

    /// See ``RoundMessage``.
    public func write(to writer: inout CanonicalWriter) {
        writer.put(roundHash)
        writer.put(words: aggregate, bits: bits)
        writer.put(UInt16(truncatingIfNeeded: survivors.count))
        for id in survivors { writer.put(id) }
        writer.put(transcriptHash)
        writer.put(stateHash)
        writer.put(signature)
    }

    /// See ``RoundMessage``.
    public init(from reader: inout CanonicalReader) throws {
        roundHash = try reader.take(32)
        (aggregate, bits) = try reader.takeWords()
        survivors = try reader.takeList(id: { $0 }) { try $0.take(UInt32.self) }
        transcriptHash = try reader.take(32)
        stateHash = try reader.take(32)
        signature = try reader.take(Ed25519.signatureLength)
    }
}
