import Foundation

/// The certificates that an authority takes back, `revoked.json`, signed by the authority in `revoked.json.p7s`.
///
/// A format of our own, not an X.509 revocation list. A list does not say that it is the newest: whoever checks a signer
/// has to fetch it from the authority, and an old list that somebody passes on lacks what was revoked since its date.
public struct RevocationList: Codable, Equatable, Sendable {
    static let formatName = "fsot-revocations"

    /// A certificate that is not valid any more.
    public struct Entry: Codable, Equatable, Sendable {
        /// Its common name.
        public let name: String
        /// SHA-256 of its DER form, 64 lower-case hexadecimal digits.
        public let fingerprint: String
        /// When it was revoked, ISO 8601, UTC.
        public let date: String
        /// Why.
        public let reason: String
    }

    let format: String
    let version: Int
    /// SHA-256 of the authority's certificate.
    public let authority: String
    /// Counts up with every change.
    public let number: Int
    /// When the list was made, ISO 8601, UTC.
    public let date: String
    /// In the order in which they were revoked.
    public let revoked: [Entry]

    init(authority: String, number: Int, date: Date, revoked: [Entry]) {
        format = Self.formatName
        version = 1
        self.authority = authority
        self.number = number
        self.date = date.formatted(.iso8601)
        self.revoked = revoked
    }

    init(decoding data: Data, what: String) throws {
        self = try JSONFile.decode(RevocationList.self, from: data, format: Self.formatName, what: what)
    }
}
