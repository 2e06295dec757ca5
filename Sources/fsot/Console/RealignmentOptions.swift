import ArgumentParser
import Checkpoints
import Emulators
import Federation
import Foundation
import Tokenizers
import Training

/// How `fsot tune` distils the emulator again between rounds (FedBiOT).
struct RealignmentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Rounds between two re-alignments: the owner distils the emulator again, towards the full model with the adapter of the moment. Each is one more release, in the ledger.",
            valueName: "rounds"
        )
    )
    var realignEvery: Int?

    @Option(help: "Public text for re-alignment: .txt, or records, which the template makes text of.")
    var realignData: String?

    @Option(help: "Tokens of one re-alignment.")
    var realignTokens = 16_384

    @OptionGroup var location: LedgerOptions

    /// - Parameter isOwnerHere: whether the full model was given.
    /// - Parameter rounds: of the run.
    func validate(isOwnerHere: Bool, rounds: Int) throws {
        if (realignEvery == nil) != (realignData == nil) {
            throw ValidationError("--realign-every and --realign-data go together")
        }
        guard let realignEvery else { return }
        if realignEvery < 1 { throw ValidationError("--realign-every \(realignEvery) is not positive") }
        if realignEvery >= rounds {
            throw ValidationError("--realign-every \(realignEvery) never comes in a run of \(rounds) rounds")
        }
        if realignTokens < 1 { throw ValidationError("--realign-tokens \(realignTokens) is not positive") }
        if !isOwnerHere { throw ValidationError("--realign-every needs the owner's --model and --probe") }
    }

    /// What `run.json` says of it; nil without re-alignment.
    ///
    /// - Throws: `EmulatorError`, `CommandFailure`.
    func settings(
        emulator: String,
        metadata: EmulatorMetadata,
        seed: UInt64
    ) throws -> RunDescription.RealignmentSettings? {
        guard let realignEvery, let realignData else { return nil }
        var distillation = try ownerRecord(of: emulator, metadata: metadata).distillation
        distillation.tokens = realignTokens
        distillation.seed = seed
        return RunDescription.RealignmentSettings(
            every: realignEvery,
            textDigest: try FileDigest.hexadecimal(of: realignData),
            distillation: distillation
        )
    }

    /// What the owner's side needs.
    ///
    /// - Parameters:
    ///   - encoder: makes text of records, as the data holders do.
    ///   - run: the run's directory, for the ledger.
    /// - Throws: `EmulatorError`, `TrainingError`, `CommandFailure` when the emulator is not in the ledger.
    func realignment(
        of source: EmulatorSource,
        settings: RunDescription.RealignmentSettings,
        encoder: RecordEncoder,
        tokenizer: Tokenizer,
        run: String
    ) throws -> Realignment {
        let record = try ownerRecord(of: source.path, metadata: source.metadata)
        let ledger = location.file
        guard let shipped = try ledger.entries().last(where: { $0.releaseID == record.releaseID }) else {
            throw CommandFailure(
                "\(ledger.path) does not know \(source.path), and re-aligned emulators are releases of it; give the ledger that fsot compress wrote with --ledger."
            )
        }
        let split = try OffsiteSplit(
            fullLayerCount: source.metadata.fullLayers,
            bottom: record.bottom,
            top: record.top,
            keptMiddle: record.sourceLayers.map { $0 - record.bottom }
        )
        let text = try PublicText.read(
            realignData ?? "",
            tokenizer: tokenizer,
            length: settings.distillation.length,
            encoder: encoder
        )
        guard text.sequences.count >= 20 else {
            throw CommandFailure(
                "\(realignData ?? "") has \(text.sequences.count) sequences, too few to hold some out and see whether re-alignment helped; give at least 20."
            )
        }
        return Realignment(
            split: split,
            text: text,
            distillation: settings.distillation,
            record: { release in
                var entry = shipped
                entry.date = Date().formatted(.iso8601)
                entry.releaseID = release.releaseID
                entry.output = "\(run), after round \(release.round)"
                entry.verbatim = release.verbatim
                entry.digests = [:]
                entry.figures = [:]
                entry.recipe["realigned_from"] = .string(shipped.releaseID)
                entry.recipe["realigned_after_round"] = .int(release.round)
                entry.recipe["distill_tokens"] = .int(release.distillation.tokens)
                entry.recipe["public_text"] = .string(release.distillation.source)
                try ledger.append(entry)
            }
        )
    }

    private func ownerRecord(of emulator: String, metadata: EmulatorMetadata) throws -> OwnerReport {
        let record = try OwnerReport.read(directory: emulator + ".owner")
        guard record.releaseID == metadata.releaseID else {
            throw CommandFailure(
                "\(emulator).owner is of another release than \(emulator); give the emulator with the .owner directory that compress wrote beside it."
            )
        }
        return record
    }
}
