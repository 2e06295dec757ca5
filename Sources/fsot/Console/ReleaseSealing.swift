import AtomicFiles
import Checkpoints
import Cryptography
import Emulators
import Foundation
import LanguageModels
import Sealing

/// What `compress` and `seal` have in common: an emulator directory goes to named recipients, and what the owner has to
/// keep goes to the owner's directory.
struct ReleaseSealing {
    let recipients: [IdentityCard]
    let owner: Identity
    let licence: String

    /// Seals a directory.
    ///
    /// - Parameters:
    ///   - baseModel: SHA-256 of each of the full model's files.
    ///   - ownerDirectory: gets `manifest.json` and `commitment.key`.
    /// - Throws: `EmulatorError`, `LanguageModelError`, `SealingError`, `AtomicFileError`.
    func seal(
        _ directory: String,
        to output: String,
        releaseID: String,
        architecture: String,
        baseModel: [[UInt8]],
        ownerDirectory: String,
        display: ProgressDisplay
    ) throws -> SealedManifest {
        try EmulatorContents.check(CheckpointDirectory(path: directory))
        let key = try SecretBytes.random(count: BaseModelCommitment.keyLength)
        let manifest = try SealedEmulator.seal(
            directory: directory,
            to: output,
            emulator: EmulatorDescription(
                name: ((output as NSString).lastPathComponent as NSString).deletingPathExtension,
                releaseID: releaseID,
                licence: licence,
                architecture: architecture,
                baseModelCommitment: BaseModelCommitment.make(digests: baseModel, key: key)
            ),
            recipients: recipients,
            signedBy: owner,
            onProgress: display.handler
        )
        display.finish()
        try AtomicFile.write(try Console.encode(manifest) + "\n", to: ownerDirectory + "/manifest.json")
        // The key opens the commitment in a dispute; whoever has it can test guesses of the base model.
        try AtomicFile.write(
            key.exposed().hexadecimal + "\n",
            to: ownerDirectory + "/commitment.key",
            permissions: 0o600
        )
        return manifest
    }
}

extension LedgerEntry {
    /// A release as `compress` made it; ``add(_:)`` or ``add(filesIn:)`` says where it went, and the owner's report in
    /// numbers is added when it was measured.
    init(_ result: CompressedModel, full: LanguageModel, output: String, baseModel: [[UInt8]]) {
        let report = result.report
        let blocks = full.blocks.count
        let source = Array(0..<report.bottom) + report.sourceLayers + Array((blocks - report.top)..<blocks)
        self.init(
            releaseID: report.releaseID,
            output: output,
            model: report.model,
            baseModel: baseModel.map(\.hexadecimal),
            fullLayers: blocks,
            fullParameters: report.fullParameters,
            bottom: report.bottom,
            top: report.top,
            sourceLayers: report.sourceLayers,
            verbatim: VerbatimPart.find(in: result.emulator, of: full, sourceLayers: source),
            recipe: [
                "keep": .double(report.keep), "selection": .string(report.selection.rawValue),
                "feed_forward": .double(report.thinning.feedForward), "attention": .double(report.thinning.attention),
                "refit": .bool(report.thinning.refits), "seed": .string(String(report.seed)),
                "distill_tokens": .int(report.distillation.tokens),
                "loss": .string(report.distillation.loss.rawValue),
                "learning_rate": .double(report.distillation.learningRate),
                "divergence_weight": .double(report.distillation.divergenceWeight),
                "weights": .string(report.distillation.weights.rawValue),
                "batch": .int(report.distillation.batch), "length": .int(report.distillation.length),
                "calibration_tokens": .int(report.thinning.calibrationTokens),
                "public_text": .string(report.distillationReport.source),
            ]
        )
    }

    /// SHA-256 of each of the base model's files, 32 bytes.
    var baseModelDigests: [[UInt8]] {
        baseModel.compactMap { [UInt8](hexadecimal: $0) }
    }

    /// Adds the digests of an unsealed release's files.
    mutating func add(filesIn directory: String) throws {
        for name in CheckpointDirectory(path: directory).names {
            digests[name] = try BaseModelCommitment.digest(ofFile: directory + "/" + name).hexadecimal
        }
    }

    /// Adds whom a release was sealed to, and the digests of the sealed file's parts.
    mutating func add(_ manifest: SealedManifest) {
        recipients = manifest.to.map { Recipient(name: $0.name, ageRecipient: $0.ageRecipient) }
        digests = Dictionary(uniqueKeysWithValues: (manifest.files + [manifest.payload]).map { ($0.name, $0.sha256) })
    }
}

/// The files of a full model that say which model it is.
enum BaseModelFiles {
    /// SHA-256 of each, in the order of their names.
    ///
    /// - Throws: `SealingError.unreadable`.
    static func digests(of checkpoint: Checkpoint) throws -> [[UInt8]] {
        try checkpoint.weightFiles().map { try BaseModelCommitment.digest(ofFile: $0) }
    }

    /// The digests as one text.
    static func identity(_ digests: [[UInt8]]) -> String { digests.map(\.hexadecimal).joined(separator: " ") }
}
