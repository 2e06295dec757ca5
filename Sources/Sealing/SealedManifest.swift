import Cryptography
import Foundation

/// `manifest.json` of a sealed emulator: what it is, from whom, to whom, under which licence.
///
/// The owner signs its bytes. It names the recipients, so nobody can pass the payload on under the owner's signature to
/// somebody else unseen; and it carries both the ciphertext's and the plaintexts' digests.
public struct SealedManifest: Codable, Equatable, Sendable {
    static let formatName = "fsot-sealed-emulator"
    static let fileName = "manifest.json"
    static let signatureName = "manifest.p7s"
    static let payloadName = "payload.age"

    /// The files that a sealed emulator may hold: what a data holder needs to load it, and nothing of the owner's.
    public static let allowedFiles = [
        "LICENSE", "config.json", "emulator.json", "generation_config.json", "model.safetensors",
        "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
    ]
    /// The files without which a directory is no emulator.
    public static let requiredFiles = ["config.json", "emulator.json", "model.safetensors"]

    /// A file, its SHA-256 (64 hexadecimal digits) and its size in bytes.
    public struct File: Codable, Equatable, Sendable {
        /// Relative to the archive.
        public let name: String
        /// 64 lower-case hexadecimal digits.
        public let sha256: String
        /// Bytes.
        public let size: Int
    }

    /// The owner.
    public struct Owner: Codable, Equatable, Sendable {
        /// As in the owner's certificate.
        public let name: String
        /// SHA-256 of the certificate's DER form.
        public let certificateSHA256: String

        enum CodingKeys: String, CodingKey {
            case name
            case certificateSHA256 = "certificate_sha256"
        }
    }

    /// Somebody who can open the payload.
    public struct Recipient: Codable, Equatable, Sendable {
        /// As on the card.
        public let name: String
        /// `age1…`.
        public let ageRecipient: String

        enum CodingKeys: String, CodingKey {
            case name
            case ageRecipient = "age_recipient"
        }
    }

    /// The terms.
    public struct Licence: Codable, Equatable, Sendable {
        /// For example an SPDX identifier.
        public let name: String
        /// SHA-256 of the text, which is the payload's `LICENSE`; nil without such a file.
        public let textSHA256: String?

        enum CodingKeys: String, CodingKey {
            case name
            case textSHA256 = "text_sha256"
        }
    }

    let format: String
    let version: Int
    /// The emulator's name.
    public let name: String
    /// The owner's identifier of this release, as in the ledger and in `emulator.json`.
    public let releaseID: String
    /// When it was sealed, ISO 8601, UTC.
    public let created: String
    /// Who sealed it.
    public let from: Owner
    /// Who can open it.
    public let to: [Recipient]
    /// The terms.
    public let licence: Licence
    /// The model's architecture, as `model_type` in `config.json`.
    public let architecture: String
    /// See ``BaseModelCommitment``.
    public let baseModelCommitment: String
    /// The ciphertext.
    public let payload: File
    /// The plaintexts, in the payload's order.
    public let files: [File]

    enum CodingKeys: String, CodingKey {
        case format
        case version
        case name
        case releaseID = "release_id"
        case created
        case from
        case to
        case licence
        case architecture
        case baseModelCommitment = "base_model_commitment"
        case payload
        case files
    }

    /// Reads and checks a manifest; says nothing about its signature.
    ///
    /// - Throws: `SealingError.malformed`, `SealingError.unknownVersion`.
    public init(decoding bytes: [UInt8], what: String) throws {
        self = try JSONFile.decode(SealedManifest.self, from: Data(bytes), format: Self.formatName, what: what)
        func check(_ isValid: Bool, _ reason: String) throws {
            if !isValid { throw SealingError.malformed(what: what, reason: reason) }
        }
        let names = files.map(\.name)
        try check(zip(names, names.dropFirst()).allSatisfy(<), "its manifest's files are not in order")
        for name in names {
            try check(Self.allowedFiles.contains(name), "its manifest names \(name), which no emulator may hold")
        }
        for name in Self.requiredFiles { try check(names.contains(name), "its manifest names no \(name)") }
        try check(payload.name == Self.payloadName, "its manifest names another payload")
        for file in files + [payload] {
            try check(
                [UInt8].isDigest(file.sha256) && file.size >= 0,
                "its manifest's entry for \(file.name) is not valid"
            )
        }
        try check(!to.isEmpty, "its manifest names no recipient")
    }

    init(
        emulator: EmulatorDescription,
        created: String,
        from: Owner,
        to: [Recipient],
        licenceText: String?,
        payload: File,
        files: [File]
    ) {
        format = Self.formatName
        version = 1
        name = emulator.name
        releaseID = emulator.releaseID
        self.created = created
        self.from = from
        self.to = to
        licence = Licence(name: emulator.licence, textSHA256: licenceText)
        architecture = emulator.architecture
        baseModelCommitment = emulator.baseModelCommitment
        self.payload = payload
        self.files = files
    }
}

/// What the owner says about an emulator when sealing it.
public struct EmulatorDescription: Sendable {
    /// The emulator's name.
    public var name: String
    /// The owner's identifier of this release.
    public var releaseID: String
    /// The licence's name, for example an SPDX identifier; its text is the directory's `LICENSE`.
    public var licence: String
    /// The model's architecture, as `model_type` in `config.json`.
    public var architecture: String
    /// 64 hexadecimal digits; see ``BaseModelCommitment``.
    public var baseModelCommitment: String

    /// Collects the fields.
    public init(name: String, releaseID: String, licence: String, architecture: String, baseModelCommitment: String) {
        self.name = name
        self.releaseID = releaseID
        self.licence = licence
        self.architecture = architecture
        self.baseModelCommitment = baseModelCommitment
    }
}
