import AtomicFiles
import Foundation
import LanguageModels
import TensorEngine
import Training

/// What the owner should know of a release; written beside the output and never into it.
public struct OwnerReport: Codable, Sendable, Equatable {
    /// Layout version of this file.
    public var format = 1
    /// The release.
    public var releaseID: String
    /// When it was made, ISO 8601.
    public var date: String
    /// The full model's path.
    public var model: String
    /// The kept middle blocks, as indices of the full model: the secret of the release.
    public var sourceLayers: [Int]
    /// Trainable blocks at the input end.
    public var bottom: Int
    /// Trainable blocks at the output end.
    public var top: Int
    /// Share of the middle that was asked for.
    public var keep: Double
    /// The selection rule.
    public var selection: LayerSelection
    /// How much of each kept block stayed.
    public var thinning: Thinning
    /// Seed of the release.
    public var seed: UInt64
    /// How the middle was distilled.
    public var distillation: DistillationConfiguration
    /// What distillation did.
    public var distillationReport: DistillationReport
    /// Parameters of the full model.
    public var fullParameters: Int
    /// Parameters of the emulator.
    public var shippedParameters: Int
    /// Parameters of the adapter blocks.
    public var adapterParameters: Int
    /// Share of the middle's parameters that ships.
    public var middleKept: Double
    /// Share of the full model's parameters that travel bit for bit.
    public var verbatimShare: Double
    /// Share of the middle's parameters that travel bit for bit.
    public var middleVerbatimShare: Double
    /// Identifies the full model's weights; nil when nobody said.
    public var modelIdentity: String?
    /// Mean loss in nats a token on public text that distillation has not seen; nil without public text.
    public var fullLoss: Double?
    /// The same for the emulator.
    public var emulatorLoss: Double?
    /// Which blocks were kept by what figures, and where the attention sink is made; nil in older reports.
    public var layerChoice: LayerChoice?
    /// The adapter's gradient under the emulator as it was cut against that under the full model; nil without public text.
    public var forecast: GradientForecast?
    /// The same after distilling; nil when nothing was distilled.
    public var distilledForecast: GradientForecast?
    /// How public records became text; nil: their fields, joined, or there were no records.
    public var publicTemplate: PromptTemplate?

    /// Shipped parameters over full parameters.
    public var compressionRatio: Double { Double(shippedParameters) / Double(fullParameters) }

    /// The file's name in `OUTPUT.owner/`.
    public static let fileName = "release.json"

    /// Writes `release.json` into the owner's directory.
    ///
    /// - Throws: `AtomicFileError`.
    public func write(directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(self), to: directory + "/" + Self.fileName)
    }

    /// Reads `release.json` from the owner's directory of an emulator.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func read(directory: String) throws -> OwnerReport {
        let path = directory + "/" + fileName
        guard let data = FileManager.default.contents(atPath: path),
            let report = try? JSONDecoder().decode(OwnerReport.self, from: data)
        else { throw EmulatorError.invalidDescription(path: path, reason: "it is missing or damaged") }
        return report
    }
}
