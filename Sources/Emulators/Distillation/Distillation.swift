import LanguageModels
import Progress
import TensorEngine
import Training

/// Trains the thinned middle to give what the whole middle gives (Xiao, Lin, Han 2023, section 3). Both ends, embedding,
/// norm and head stay as they are.
public struct Distillation {
    private let emulator: LanguageModel
    private let split: OffsiteSplit
    private let configuration: DistillationConfiguration
    private let objective: DistillationObjective
    private let teacher: Teacher

    /// Prepares the distillation of an emulator.
    ///
    /// - Parameters:
    ///   - emulator: cut from `full`, its thinned middle owning its values.
    ///   - full: the teacher; unchanged.
    ///   - split: how they relate.
    ///   - configuration: how.
    public init(
        emulator: LanguageModel,
        full: LanguageModel,
        split: OffsiteSplit,
        configuration: DistillationConfiguration
    ) {
        self.emulator = emulator
        self.split = split
        self.configuration = configuration
        objective = DistillationObjective(
            emulator: emulator,
            split: split,
            segments: Segments(split),
            loss: configuration.loss,
            divergenceWeight: configuration.divergenceWeight
        )
        teacher = Teacher(full: full, split: split, segments: objective.segments, needsFinal: objective.needsFinal)
    }

    /// Distils in place.
    ///
    /// - Parameters:
    ///   - text: public text.
    ///   - heldOut: public text that decides when to stop and which weights stay; nil or empty: the last ones do.
    ///   - cache: where the teacher's states are kept when the tokens are more than one epoch.
    ///   - saved: where the run is saved whenever held-out text is looked at, and gone on from.
    ///   - progress: told tokens and loss after each step.
    ///   - isCancelled: asked between steps.
    /// - Throws: `EmulatorError.diverged`; `TrainingError.checkpointMismatch` when the checkpoint is of another run;
    ///   `AtomicFileError`; `CancellationError` when cancelled.
    public func run(
        on text: PublicText,
        heldOut: PublicText? = nil,
        cache: TeacherCacheLocation? = nil,
        checkpoint saved: DistillationCheckpoint? = nil,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> DistillationReport {
        let parameters = trained
        guard configuration.tokens > 0, !parameters.isEmpty else {
            return DistillationReport(source: text.source, tokens: 0, losses: [])
        }
        for parameter in parameters { parameter.isTrainable = true }
        defer { for parameter in parameters { parameter.isTrainable = false } }
        let examples = encoded(text)
        let mean = Double(examples.reduce(0) { $0 + $1.ids.count }) / Double(examples.count)
        let steps = max(1, Int((Double(configuration.tokens) / (mean * Double(configuration.batch))).rounded()))
        let trainer = try Trainer(
            parameters: parameters,
            examples: examples,
            source: ExampleSource(path: text.source),
            configuration: TrainerConfiguration(
                batchSize: configuration.batch,
                schedule: LearningRateSchedule(
                    .cosine,
                    peak: configuration.learningRate,
                    // Adam's first steps have the size of the rate whatever the gradient: a short run needs a start, too.
                    warmupSteps: max(steps / 10, min(4, steps / 2)),
                    totalSteps: steps
                ),
                optimizer: .adamW(weightDecay: 0),
                clippingNorm: 1,
                seed: configuration.seed
            )
        ) { batch, tape, _ in
            loss(of: batch, on: tape)
        }
        let heldOutExamples = heldOut.map { encoded($0, from: examples.count) } ?? []
        if let cache, configuration.tokens > examples.reduce(0, { $0 + $1.ids.count }) {
            try teacher.remember(examples + heldOutExamples, at: cache)
        }
        let watch = EarlyStopping(heldOutExamples, configuration: configuration, steps: steps)
        var report =
            try saved?.restore(trainer, watch: watch, configuration: configuration)
            ?? DistillationReport(source: text.source, tokens: 0, losses: [])
        let total = try report.tokens + trainer.upcomingTokens(steps: steps - trainer.step)
        let interval = watch?.interval ?? max(1, (steps + 9) / 10)
        do {
            while trainer.step < steps {
                if let watch, try watch.look(at: trainer.step, parameters: parameters, loss: value) {
                    report.stoppedEarly = true
                    break
                }
                let before = report.tokens
                let fit = try trainer.fit(
                    steps: min(interval, steps - trainer.step),
                    phase: "distilling",
                    progress: progress.map { Self.continuing($0, from: before, total: total) },
                    isCancelled: isCancelled
                )
                if let failure = teacher.failure { throw failure }
                if fit.wasCancelled { throw CancellationError() }
                report.tokens += fit.tokens
                report.losses += fit.losses
                report.heldOut = watch?.history ?? []
                try saved?.save(trainer, report: report, watch: watch, configuration: configuration)
            }
            _ = try watch?.look(at: trainer.step, parameters: parameters, loss: value)
        } catch TrainingError.notFinite(_, let step, _, _) {
            throw EmulatorError.diverged(step: step + 1)
        }
        watch?.restoreBest(to: parameters)
        report.heldOut = watch?.history ?? []
        report.keptStep = watch?.best?.step ?? report.losses.count
        return report
    }

    /// Events of a part of the run as events of the whole.
    private static func continuing(
        _ handler: @escaping ProgressHandler,
        from completed: Int,
        total: Int
    ) -> ProgressHandler {
        { event in
            handler(
                ProgressEvent(
                    phase: event.phase,
                    completed: completed + event.completed,
                    total: total,
                    unit: event.unit,
                    figures: event.figures
                )
            )
        }
    }

    /// The loss on text of the emulator as it is, weighted by tokens: how far the thinned middle is from the whole one.
    ///
    /// - Throws: `CancellationError` when cancelled.
    public func error(on text: PublicText, isCancelled: () -> Bool = { false }) throws -> Double {
        var (sum, tokens) = (0.0, 0)
        for example in encoded(text) {
            if isCancelled() { throw CancellationError() }
            sum += value(of: [example]) * Double(example.ids.count)
            tokens += example.ids.count
        }
        return tokens == 0 ? 0 : sum / Double(tokens)
    }

    /// The scalar that a step on these token sequences minimises.
    public func loss(of sequences: [[Int32]], on tape: Tape) -> Tensor {
        loss(of: sequences.map { EncodedExample(ids: $0, labels: $0, recordIndex: 0) }, on: tape)
    }

    private func loss(of batch: [EncodedExample], on tape: Tape) -> Tensor {
        objective(layout: SequenceLayout(lengths: batch.map(\.ids.count)), teacher: teacher(batch), on: tape)
    }

    private func value(of batch: [EncodedExample]) -> Double {
        Double(loss(of: batch, on: Tape(isRecording: false)).values.first ?? .nan)
    }

    private var trained: [Parameter] {
        let blocks = emulator.blocks[split.thinnedMiddle]
        switch configuration.weights {
        case .all: return blocks.flatMap(\.parameters)
        case .feedForward:
            return blocks.flatMap { ($0.feedForwardInputs + [$0.feedForwardOutput]).flatMap(\.parameters) }
        }
    }

    /// - Parameter first: the number of the first record.
    private func encoded(_ text: PublicText, from first: Int = 0) -> [EncodedExample] {
        text.sequences.enumerated().map { index, ids in
            let ids = Array(ids.prefix(configuration.length))
            return EncodedExample(ids: ids, labels: ids, recordIndex: first + index)
        }
    }
}
