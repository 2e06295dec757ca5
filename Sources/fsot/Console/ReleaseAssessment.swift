import Checkpoints
import Emulators
import Foundation
import LanguageModels

/// Measures a release for its owner's report: what `compress` does before anything is written, and `report` does later.
struct ReleaseAssessment {
    let options: ReportOptions
    let depth: ReportDepth
    let full: LanguageModel
    let files: ModelFiles
    /// The owner's public text, whole: every 10th sequence has been held out from distillation.
    let text: PublicText?
    /// Where finished pieces are kept; nil: nowhere.
    let cache: String?
    let console: Console

    /// The figures that `depth` asks for.
    ///
    /// - Parameters:
    ///   - released: the emulator, in the full model's precision.
    ///   - release: what is known of it already.
    /// - Throws: what measuring throws; `CancellationError` after Ctrl-C, with finished pieces kept in --probe-cache.
    func report(on released: ReleasedEmulator, release: OwnerReport) throws -> ReleaseReport {
        var report = ReleaseReport(depth: depth, release: release)
        guard depth == .full else { return report }
        let cache = ReportCache(directory: cache)
        let display = console.progress()
        defer { display.finish() }
        if let task = try options.probeTask(files) {
            let probe = Probe(full: full, task: task, configuration: options.probeConfiguration, cache: cache)
            report.probe = try probe.run(
                emulator: released.model,
                map: released.layerMap,
                progress: display.handler,
                isCancelled: { Interruption.isRequested }
            )
        } else {
            console.note("no --probe-data: what tuning on the emulator brings is not measured")
        }
        if let recovery = try recovery(release, cache) {
            report.recovery = try recovery.run(
                released,
                colluding: try options.colluding.map(other),
                progress: display.handler,
                isCancelled: { Interruption.isRequested }
            )
        } else {
            console.note("no public text, or --recovery-seeds 0: the recovery attacks are not tried")
        }
        return report
    }

    private func recovery(_ release: OwnerReport, _ cache: ReportCache) throws -> Recovery? {
        guard options.recoverySeeds > 0 else { return nil }
        let length = min(256, files.configuration.maximumPositions)
        let own = try options.recoveryData.map { try PublicText.read($0, tokenizer: files.tokenizer, length: length) }
        guard let parts = (text ?? own)?.holdingOut(every: 10) else { return nil }
        let tokens = release.distillationReport.tokens
        return try Recovery(
            full: full,
            text: own.map { text == nil ? $0.holdingOut(every: 10).rest : $0 } ?? parts.rest,
            heldOut: parts.heldOut,
            configuration: RecoveryConfiguration(
                referenceTokens: options.recoveryTokens ?? (tokens > 0 ? tokens : 65_536),
                seeds: options.recoverySeeds
            ),
            cache: cache
        )
    }

    /// Another release of the same model, from its directory and its owner's directory.
    private func other(_ path: String) throws -> ReleasedEmulator {
        try Self.released(path, owner: path + ".owner", full: full).emulator
    }

    /// Opens a release with what its owner noted, in the full model's precision.
    ///
    /// - Throws: `EmulatorError`, and what loading throws.
    static func released(
        _ path: String,
        owner: String,
        full: LanguageModel
    ) throws -> (emulator: ReleasedEmulator, release: OwnerReport) {
        let release = try OwnerReport.read(directory: owner)
        let files = try ModelFiles(path: path)
        let model = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
        model.compute(in: full.precision)
        let emulator = try ReleasedEmulator(
            model,
            release: release,
            fullLayerCount: full.blocks.count,
            path: owner + "/" + OwnerReport.fileName
        )
        return (emulator, release)
    }
}
