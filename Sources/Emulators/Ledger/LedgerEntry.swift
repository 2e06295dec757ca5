import Checkpoints
import Foundation

/// One release in the owner's ledger: what went to whom, and what it gives away.
public struct LedgerEntry: Codable, Sendable, Equatable {
    /// Somebody who can open the release.
    public struct Recipient: Codable, Sendable, Hashable {
        /// As on the card.
        public var name: String
        /// `age1…`: what tells two recipients of one name apart.
        public var ageRecipient: String

        enum CodingKeys: String, CodingKey {
            case name
            case ageRecipient = "age_recipient"
        }

        /// Names a recipient.
        public init(name: String, ageRecipient: String) {
            self.name = name
            self.ageRecipient = ageRecipient
        }
    }

    /// Layout version of this line.
    public var format = 1
    /// Counts from 1; set when it is appended.
    public internal(set) var number = 0
    /// SHA-256 of the line before, 64 zeros in the first line; set when it is appended.
    public internal(set) var previous = ""
    /// When it was made, ISO 8601, UTC.
    public var date: String
    /// As in `emulator.json`; a release that is sealed again has several lines.
    public var releaseID: String
    /// Where the release was written.
    public var output: String
    /// The full model's path.
    public var model: String
    /// SHA-256 of each of the full model's files: which releases come from one model.
    public var baseModel: [String]
    /// Blocks of the full model.
    public var fullLayers: Int
    /// Parameters of the full model; nil: not known.
    public var fullParameters: Int?
    /// Trainable blocks at the input end.
    public var bottom: Int
    /// Trainable blocks at the output end.
    public var top: Int
    /// The kept middle blocks, as indices of the full model; nil: not known, because it was not made under this ledger.
    public var sourceLayers: [Int]?
    /// What of the full model travels bit for bit.
    public var verbatim: [VerbatimPart]
    /// How it was made.
    public var recipe: [String: JSONValue]
    /// Who can open it; empty: it was written unsealed.
    public var recipients: [Recipient]
    /// SHA-256 of the files of the release, by name, in hexadecimal.
    public var digests: [String: String]
    /// The owner's report in numbers, by name.
    public var figures: [String: Double]
    /// Whether the owner released it against a policy.
    public var riskAccepted: Bool

    enum CodingKeys: String, CodingKey {
        case format
        case number
        case previous
        case date
        case releaseID = "release_id"
        case output
        case model
        case baseModel = "base_model"
        case fullLayers = "full_layers"
        case fullParameters = "full_parameters"
        case bottom
        case top
        case sourceLayers = "source_layers"
        case verbatim
        case recipe
        case recipients
        case digests
        case figures
        case riskAccepted = "risk_accepted"
    }

    /// Describes a release; `number` and `previous` are set when it is appended.
    public init(
        date: Date = Date(),
        releaseID: String,
        output: String,
        model: String,
        baseModel: [String],
        fullLayers: Int,
        fullParameters: Int?,
        bottom: Int,
        top: Int,
        sourceLayers: [Int]?,
        verbatim: [VerbatimPart],
        recipe: [String: JSONValue] = [:],
        recipients: [Recipient] = [],
        digests: [String: String] = [:],
        figures: [String: Double] = [:],
        riskAccepted: Bool = false
    ) {
        self.date = date.formatted(.iso8601)
        self.releaseID = releaseID
        self.output = output
        self.model = model
        self.baseModel = baseModel
        self.fullLayers = fullLayers
        self.fullParameters = fullParameters
        self.bottom = bottom
        self.top = top
        self.sourceLayers = sourceLayers
        self.verbatim = verbatim
        self.recipe = recipe
        self.recipients = recipients
        self.digests = digests
        self.figures = figures.filter { $0.value.isFinite }
        self.riskAccepted = riskAccepted
    }

    /// Numbers of the full model that travel bit for bit.
    public var verbatimParameters: Int { verbatim.reduce(0) { $0 + $1.count } }

    /// One line of JSON with sorted keys, without a line feed.
    func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
