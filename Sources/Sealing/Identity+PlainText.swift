import Cryptography

/// The text of an unprotected identity file.
///
/// Everything but the age key stands behind `# `, which age takes for comments:
/// ```
/// # fsot identity 1 -- SECRET: whoever reads this file is you
/// # name: alice
/// # created: 2026-11-23T10:00:00Z
/// # age recipient: age1…
/// # ed25519 public key: <base64>
/// # ed25519 seed: <base64>
/// # -----BEGIN PRIVATE KEY-----  (P-256, PKCS#8)  …
/// # -----BEGIN CERTIFICATE-----  …
/// AGE-SECRET-KEY-1…
/// ```
extension Identity {
    private static let title = "fsot identity "
    private static let version = 1

    func plainText() throws -> SecretBytes {
        var text = [UInt8]()
        // Room enough that growing never leaves a copy of the secrets behind.
        text.reserveCapacity(16 << 10)
        func comment(_ label: String, _ value: some Collection<UInt8>) {
            text.append(contentsOf: "# \(label)".utf8)
            text.append(contentsOf: value)
            text.append(UInt8(ascii: "\n"))
        }
        comment("\(Self.title)\(Self.version) -- SECRET: whoever reads this file is you", [])
        comment("name: ", name.utf8)
        comment("created: ", created.utf8)
        comment("age recipient: ", age.recipient.description.utf8)
        comment("ed25519 public key: ", Base64.encode(ed25519.publicKey, padded: true))
        var seed = ed25519.seed.exposed()
        var seedText = Base64.encode(seed, padded: true)
        defer {
            seed.wipe()
            seedText.wipe()
        }
        comment("ed25519 seed: ", seedText)
        try signingKey.pkcs8PEM().withUnsafeBytes {
            for line in $0.split(separator: UInt8(ascii: "\n")) { comment("", line) }
        }
        for line in try certificate.pem().utf8.split(separator: UInt8(ascii: "\n")) { comment("", Array(line)) }
        try age.text().withUnsafeBytes { text.append(contentsOf: $0) }
        text.append(UInt8(ascii: "\n"))
        return try SecretBytes(wiping: &text)
    }

    init(plainText: SecretBytes, path: String) throws {
        self = try plainText.withUnsafeBytes { try Identity(lines: $0.split(separator: 10), path: path) }
    }

    /// Works on slices of the guarded memory: the only copies are the keys' own.
    private init(lines: [UnsafeRawBufferPointer.SubSequence], path: String) throws {
        var fields = [String: UnsafeRawBufferPointer.SubSequence]()
        var pem = [UInt8]()
        pem.reserveCapacity(8 << 10)
        var certificate = [UInt8]()
        defer { pem.wipe() }
        var block: String?
        var ageLine: UnsafeRawBufferPointer.SubSequence?
        func failure(_ reason: String) -> SealingError { .malformed(what: path, reason: reason) }
        for line in lines {
            guard line.starts(with: "# ".utf8) else {
                guard ageLine == nil else { throw failure("it has more than one line that is no comment") }
                ageLine = line
                continue
            }
            let body = line.dropFirst(2)
            if body.starts(with: "-----BEGIN PRIVATE".utf8) { block = "key" }
            if body.starts(with: "-----BEGIN CERTIFICATE".utf8) { block = "certificate" }
            if let current = block {
                if current == "key" {
                    guard pem.count + body.count < 8 << 10 else { throw failure("its P-256 key is too long") }
                    pem.append(contentsOf: body)
                    pem.append(UInt8(ascii: "\n"))
                } else {
                    certificate.append(contentsOf: body)
                    certificate.append(UInt8(ascii: "\n"))
                }
                if body.starts(with: "-----END".utf8) { block = nil }
            } else if body.starts(with: Self.title.utf8) {
                let digits = body.dropFirst(Self.title.utf8.count).prefix { $0 != UInt8(ascii: " ") }
                let version = Int(String(decoding: digits, as: UTF8.self)) ?? 0
                if version != Self.version { throw SealingError.unknownVersion(what: path, version: version) }
                fields["version"] = digits
            } else if let colon = body.firstIndex(of: UInt8(ascii: ":")) {
                let key = String(decoding: body[..<colon], as: UTF8.self)
                guard fields.updateValue(body[(colon + 1)...].dropFirst(), forKey: key) == nil else {
                    throw failure("it says \"\(key)\" twice")
                }
            }
        }
        guard fields["version"] != nil else { throw failure("it is no fsot identity") }
        func string(_ key: String) throws -> String {
            guard let value = fields[key] else { throw failure("it has no line \"\(key)\"") }
            return String(decoding: value, as: UTF8.self)
        }
        guard let ageLine, let seedText = fields["ed25519 seed"], var seed = Base64.decode(seedText, padded: true)
        else { throw failure("a secret key is missing or not valid") }
        let name = try string("name")
        try Self.checkName(name)
        self.init(
            name: name,
            created: try string("created"),
            age: try AgeIdentity(text: ageLine),
            signingKey: try P256PrivateKey(pkcs8PEM: SecretBytes(wiping: &pem)),
            certificate: try Certificate(pem: String(decoding: certificate, as: UTF8.self)),
            ed25519: try Ed25519SigningKey(seed: SecretBytes(wiping: &seed))
        )
        let publicText = String(decoding: Base64.encode(ed25519.publicKey, padded: true), as: UTF8.self)
        guard
            age.recipient.description == (try string("age recipient")),
            publicText == (try string("ed25519 public key")),
            self.certificate.matches(signingKey), self.certificate.commonName == name,
            self.certificate.isSelfSigned || !self.certificate.namesItselfAsIssuer
        else { throw failure("its secret and public keys do not belong together") }
    }
}
