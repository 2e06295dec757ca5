import Cryptography

/// The text header of an age file (c2sp.org/age, version 1).
struct AgeHeader {
    static let versionLine = "age-encryption.org/v1"
    /// Longest header that is read: room for 10 000 recipients.
    static let limit = 1 << 21

    let stanzas: [AgeStanza]
    /// HMAC over everything up to and with `---`.
    let code: [UInt8]
    /// What the code covers, as it was read.
    let covered: [UInt8]

    /// Makes the header of a new file.
    init(stanzas: [AgeStanza], fileKey: SecretBytes) throws {
        var text = Array("\(Self.versionLine)\n".utf8)
        for stanza in stanzas {
            text += Array("-> \(stanza.arguments.joined(separator: " "))\n".utf8)
            let body = Base64.encode(stanza.body, padded: false)
            // The last line is always shorter than 64, so a body that fills its lines ends in an empty one.
            for start in stride(from: 0, through: body.count, by: 64) {
                text += body[start..<min(start + 64, body.count)] + [UInt8(ascii: "\n")]
            }
        }
        text += Array("---".utf8)
        self.stanzas = stanzas
        covered = text
        code = HMACSHA256.code(for: text, key: try Self.authenticationKey(fileKey))
    }

    /// Bytes of the header of a file to `count` X25519 recipients: every key, tag and code has its fixed length.
    static func length(recipients count: Int) -> Int {
        let value = 43
        return versionLine.utf8.count + 1 + count * ("-> X25519 ".utf8.count + 2 * (value + 1)) + "--- ".utf8.count
            + value
            + 1
    }

    /// The header's bytes.
    var bytes: [UInt8] {
        covered + [UInt8(ascii: " ")] + Base64.encode(code, padded: false) + [UInt8(ascii: "\n")]
    }

    /// True when the header was made by somebody who knows the file key.
    func isAuthentic(under fileKey: SecretBytes) throws -> Bool {
        HMACSHA256.isValid(code, for: covered, key: try Self.authenticationKey(fileKey))
    }

    private static func authenticationKey(_ fileKey: SecretBytes) throws -> SecretBytes {
        try HKDFSHA256.derive(from: fileKey, info: Array("header".utf8))
    }

    /// Reads a header, strictly, and leaves `source` at the first byte after it.
    ///
    /// - Throws: `SealingError.malformed` for anything that the specification does not allow.
    init(from source: any ByteSource, what: String) throws {
        var parser = AgeHeaderParser(source: source, what: what)
        (stanzas, code, covered) = try parser.parse()
    }
}

private struct AgeHeaderParser {
    let source: any ByteSource
    let what: String
    private var covered: [UInt8] = []

    init(source: any ByteSource, what: String) {
        self.source = source
        self.what = what
    }

    private func failure(_ reason: String) -> SealingError { .malformed(what: what, reason: reason) }

    mutating func parse() throws -> (stanzas: [AgeStanza], code: [UInt8], covered: [UInt8]) {
        let version = try line()
        guard version.elementsEqual(AgeHeader.versionLine.utf8) else { throw failure("it is no age v1 file") }
        var stanzas = [AgeStanza]()
        while true {
            let mark = covered.count
            let text = try line()
            if text.starts(with: "--- ".utf8) {
                guard let code = Base64.decode(text.dropFirst(4), padded: false), code.count == HMACSHA256.length else {
                    throw failure("the authentication code of its age header is not valid")
                }
                guard !stanzas.isEmpty else { throw failure("its age header names no recipient") }
                if stanzas.count > 1, stanzas.contains(where: { $0.arguments[0] == "scrypt" }) {
                    throw failure("its age header mixes a passphrase with other recipients")
                }
                return (stanzas, code, Array(covered[..<(mark + 3)]))
            }
            stanzas.append(try stanza(opening: text))
        }
    }

    private mutating func stanza(opening: [UInt8]) throws -> AgeStanza {
        guard opening.starts(with: "-> ".utf8) else { throw failure("its age header has a line of no known kind") }
        let words = opening.dropFirst(3).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (33...126).contains($0) } }) else {
            throw failure("an entry of its age header is not valid")
        }
        var body = [UInt8]()
        while true {
            let text = try line()
            guard text.count <= 64, let bytes = Base64.decode(text, padded: false) else {
                throw failure("an entry of its age header is not valid")
            }
            body += bytes
            if text.count < 64 { break }
        }
        return AgeStanza(arguments: words.map { String(decoding: $0, as: UTF8.self) }, body: body)
    }

    /// The next line without its line feed.
    private mutating func line() throws -> [UInt8] {
        let start = covered.count
        while true {
            guard covered.count < AgeHeader.limit else { throw failure("its age header is too long") }
            guard let byte = try source.read(1).first else { throw failure("it ends inside its age header") }
            covered.append(byte)
            if byte == UInt8(ascii: "\n") { return Array(covered[start..<(covered.count - 1)]) }
        }
    }
}
