import Checkpoints
import Emulators
import Foundation
import LanguageModels
import Progress

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

    /// The figures that `depth` asks for, and what the policy says to them.
    ///
    /// - Parameters:
    ///   - released: the emulator, in the full model's precision.
    ///   - release: what is known of it already.
    ///   - wireBytes: of its weights as they are written.
    ///   - exposure: of all releases, with this one.
    /// - Throws: what measuring throws; `CancellationError` after Ctrl-C, with finished pieces kept in the cache.
    func report(
        on released: ReleasedEmulator,
        release: OwnerReport,
        wireBytes: Int,
        exposure: UnionExposure? = nil
    ) throws -> ReleaseReport {
        var report = ReleaseReport(depth: depth, release: release)
        report.wireBytes = wireBytes
        report.exposure = exposure
        let display = console.progress()
        defer { display.finish() }
        if depth != .none, let heldOut = text?.holdingOut(every: 10).heldOut.sequences.prefix(32), !heldOut.isEmpty {
            let clock = ContinuousClock.now
            report.middle = try MiddleFidelity.measure(
                released,
                full: full,
                sequences: Array(heldOut),
                progress: display.handler,
                isCancelled: { Interruption.isRequested }
            )
            display.finish()
            let seconds = (ContinuousClock.now - clock) / .seconds(1)
            let operations = MiddleFidelity.operations(released, full: full, sequences: Array(heldOut))
            if depth == .full { try measure(&report, released, display, speed: operations / max(seconds, 1e-3)) }
        } else if depth == .full {
            try measure(&report, released, display, speed: nil)
        }
        if let path = options.policy {
            let policy = try PolicyFile.read(path)
            report.policy = policy
            report.violations = policy.violations(in: report)
            report.riskAccepted = options.acceptRisk && !report.violations.isEmpty
        }
        return report
    }

    /// The probe task and the attacks, after saying how long they will take.
    private func measure(
        _ report: inout ReleaseReport,
        _ released: ReleasedEmulator,
        _ display: ProgressDisplay,
        speed: Double?
    ) throws {
        let pieces = ReportCache(directory: cache)
        let probe = try options.probeTask(files).map {
            Probe(full: full, task: $0, configuration: options.probeConfiguration, cache: pieces)
        }
        let recovery = try recovery(report.release, pieces)
        let colluding = recovery == nil ? [] : try options.colluding.map(other)
        if let speed {
            let operations =
                (try probe?.remainingOperations(emulator: released.model, map: released.layerMap) ?? 0)
                + (try recovery?.remainingOperations(released, colluding: colluding) ?? 0)
            console.note("the full report will take about \(ProgressMeter.duration(operations / speed))")
        }
        report.leaveOneOut = try leaveOneOut(report.release, display)
        if probe == nil { console.note("no --probe-data: what tuning on the emulator brings is not measured") }
        if recovery == nil { console.note("no public text, or --recovery-seeds 0: the recovery attacks are not tried") }
        report.probe = try probe?.run(
            emulator: released.model,
            map: released.layerMap,
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        report.recovery = try recovery?.run(
            released,
            colluding: colluding,
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
    }

    /// What each block of the middle is worth, where some were dropped by a rule that did not ask.
    private func leaveOneOut(_ release: OwnerReport, _ display: ProgressDisplay) throws -> LeaveOneOutLosses? {
        let middle = release.bottom..<(full.blocks.count - release.top)
        guard let text, release.sourceLayers.count < middle.count, release.layerChoice?.leaveOneOut == nil else {
            return nil
        }
        let losses = try LeaveOneOut(full, middle: middle, text: text.holdingOut(every: 10).rest).losses(
            progress: display.handler,
            isCancelled: { Interruption.isRequested }
        )
        display.finish()
        return losses
    }

    private func recovery(_ release: OwnerReport, _ cache: ReportCache) throws -> Recovery? {
        guard options.recoverySeeds > 0 else { return nil }
        let length = min(256, files.configuration.maximumPositions)
        let own = try options.recoveryData.map { try PublicText.read($0, tokenizer: files.tokenizer, length: length) }
        // Measured on what distillation has not seen where there is such text, else on a part of the attacker's own.
        guard let parts = (text ?? own)?.holdingOut(every: 10) else { return nil }
        return try Recovery(
            full: full,
            text: text == nil ? parts.rest : own ?? parts.rest,
            heldOut: parts.heldOut,
            configuration: RecoveryConfiguration(
                // Those that were asked for: a run that stops early, or distils little, leaves the attacker no poorer.
                referenceTokens: options.recoveryTokens ?? max(release.distillation.tokens, 65_536),
                seeds: options.recoverySeeds
            ),
            cache: cache
        )
    }

    /// Another release of the same model, from its directory and its owner's directory.
    private func other(_ path: String) throws -> ReleasedEmulator {
        try Self.released(CheckpointDirectory(path: path), owner: path + ".owner", full: full, model: files).emulator
    }

    /// Opens a release with what its owner noted, in the full model's precision.
    ///
    /// - Throws: `EmulatorError`, and what loading throws.
    static func released(
        _ directory: CheckpointDirectory,
        owner: String,
        full: LanguageModel,
        model original: ModelFiles
    ) throws -> (emulator: ReleasedEmulator, release: OwnerReport) {
        let release = try OwnerReport.read(directory: owner)
        let path = directory.path
        if let identity = release.modelIdentity,
            try identity != BaseModelFiles.identity(BaseModelFiles.digests(of: original.checkpoint))
        {
            throw CommandFailure(
                "\(path) was not made from \(original.checkpoint.path); give the model that it was made from."
            )
        }
        let files = try ModelFiles(directory)
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

extension ReportOptions {
    /// Refuses, before any work is done, what the policy asks for and these options will not measure.
    ///
    /// - Throws: `CommandFailure` naming the lines.
    func checkPolicy(at depth: ReportDepth, hasText: Bool) throws {
        guard let policy, !acceptRisk else { return }
        let missing = try PolicyFile.read(policy).unmeasured(
            at: depth,
            hasText: hasText || recoveryData != nil,
            hasProbe: probeData != nil,
            hasAttacks: recoverySeeds > 0
        )
        if !missing.isEmpty {
            throw CommandFailure(
                "\(policy) asks for what will not be measured (\(missing.map(\.text).joined(separator: "; "))), or use "
                    + "--accept-risk."
            )
        }
    }

    /// Refuses a release that breaks the policy.
    ///
    /// - Throws: `CommandFailure` naming the lines.
    func enforcePolicy(on report: ReleaseReport, remedy: String) throws {
        guard let policy, !acceptRisk, !report.violations.isEmpty else { return }
        let lines = report.violations.map(\.text).joined(separator: "; ")
        throw CommandFailure("The release breaks \(policy) (\(lines)); change the recipe, or \(remedy).")
    }
}
