import Federation
import LanguageModels
import PEFT
import Progress
import Synchronization
import TensorEngine
import Training

/// A run once more under a coordinator that lies: each round it sends θ + s·Σ ∇ℓ(x; θ) over its targets x instead of the
/// adapter θ, the data holders train on that, and the targets' likelihoods are measured before and after.
///
/// Nasr, Shokri & Houmansadr 2019 ("Comprehensive Privacy Analysis of Deep Learning", section III-C): whoever trains on a target
/// takes the ascent back. They leave the length of the step to the attacker; here it is s = a·n / ‖Σ ∇ℓ‖², which raises the mean
/// loss of the n targets by a to first order, whatever is trained and however long its updates are.
///
/// The run that it forks from is only read.
public struct ActiveFork {
    private let tuned: TunedModel
    private let federation: RepeatedFederation
    private let examples: [EncodedExample]
    private let holders: [String]
    private let settings: AttackSuite.Active
    private let progress: ProgressHandler?
    private let isCancelled: () -> Bool

    /// Takes what the coordinator has, and the data holders that it deceives.
    ///
    /// - Parameters:
    ///   - tuned: the emulator with its adapter attached as it was tuned; its state is changed.
    ///   - federation: the run's data holders with the run's own records and seeds.
    ///   - examples: the targets.
    ///   - holders: whose each target is.
    ///   - settings: for how many rounds it lies, and how much.
    ///   - progress: told what goes on beside the training.
    ///   - isCancelled: asked between records.
    public init(
        tuned: TunedModel,
        federation: RepeatedFederation,
        examples: [EncodedExample],
        holders: [String],
        settings: AttackSuite.Active,
        progress: ProgressHandler? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.tuned = tuned
        self.federation = federation
        self.examples = examples
        self.holders = holders
        self.settings = settings
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// Runs the fork.
    ///
    /// - Parameter initial: the adapter that the run began with.
    /// - Returns: `individual`: each target's rounds against its own holder's update; empty for a holder that no round drew.
    ///   `aggregate`: against the mean update.
    /// - Throws: `TrainingError`; `LanguageModelError`; `FederationError`; `CancellationError`.
    public func run(
        from initial: AdapterState
    ) async throws -> (individual: [[RoundEvidence]], aggregate: [[RoundEvidence]]) {
        let sequences = examples.map { ScoredSequence(ids: $0.ids, labels: $0.labels) }
        var witness = RoundWitness(
            tuned: tuned,
            sequences: sequences,
            holders: holders,
            wanted: [.rounds],
            progress: progress,
            isCancelled: isCancelled
        )
        var individual = [[RoundEvidence]](repeating: [], count: examples.count)
        var aggregate = individual
        var state = initial
        for round in 1...settings.rounds {
            let honest = try tuned.meanLogLikelihoods(of: sequences, under: state, isCancelled: isCancelled)
            let lie = try ascended(state, round: round)
            let seen = Mutex<RoundObservation?>(nil)
            state = try await federation.run(rounds: round...round, from: lie) { observation in
                seen.withLock { $0 = observation }
            }
            // A round that too few finished has no sum and says nothing.
            guard let observation = seen.withLock({ $0 }) else { continue }
            let evidence = try witness.measure(observation)
            let own = try norms(under: observation.updates, of: observation)
            let sum = try norms(after: observation.aggregate, of: observation, at: Array(examples.indices))
            for index in examples.indices {
                if var found = evidence.individual[index] {
                    found.honest = honest[index]
                    found.gradientNormAfter = own[index]
                    individual[index].append(found)
                }
                var found = evidence.aggregate[index]
                found.honest = honest[index]
                found.gradientNormAfter = sum[index]
                aggregate[index].append(found)
            }
        }
        return (individual, aggregate)
    }

    /// θ + s·Σ ∇ℓ(x; θ).
    private func ascended(_ state: AdapterState, round: Int) throws -> AdapterState {
        tuned.state = state
        return try withGradients {
            for (done, example) in examples.enumerated() {
                try addGradient(of: example, "ascent of round \(round)", done)
            }
            let squared = tuned.gradientProducts([]).squaredNorm
            guard squared > 0, squared.isFinite else {
                throw FederationError.notFinite(round: round, what: "The gradient of the active attack's targets")
            }
            let step = Float(settings.ascent * Double(examples.count) / squared)
            var lie = state
            for parameter in tuned.adapter.parameters {
                guard let range = tuned.range(of: parameter) else { continue }
                parameter.gradient?.withUnsafeBufferPointer { gradient in
                    for (offset, index) in range.enumerated() { lie.values[index] += step * gradient[offset] }
                }
            }
            return lie
        }
    }

    /// Each target's gradient norm after its own holder's update; nil where its holder sent none.
    private func norms(under updates: [String: [Float]], of seen: RoundObservation) throws -> [Double?] {
        var norms = [Double?](repeating: nil, count: examples.count)
        for (holder, update) in updates {
            let own = holders.indices.filter { holders[$0] == holder }
            for (index, norm) in zip(own, try self.norms(after: update, of: seen, at: own)) { norms[index] = norm }
        }
        return norms
    }

    /// ‖∇ℓ(x; θ′ + Δ)‖ of some targets.
    private func norms(after update: [Float], of seen: RoundObservation, at indices: [Int]) throws -> [Double] {
        tuned.state = AdapterState(values: seen.broadcast).moved(by: update)
        return try withGradients {
            try indices.enumerated().map { done, index in
                for parameter in tuned.adapter.parameters { parameter.zeroGradient() }
                try addGradient(of: examples[index], "gradients of round \(seen.round)", done)
                return tuned.gradientProducts([]).squaredNorm.squareRoot()
            }
        }
    }

    private func addGradient(of example: EncodedExample, _ phase: String, _ done: Int) throws {
        if isCancelled() { throw CancellationError() }
        let tape = Tape()
        tape.backward(from: tuned.model.loss(TokenBatch([example]), on: tape))
        progress?(ProgressEvent(phase: phase, completed: done + 1, total: examples.count, unit: "targets"))
    }

    private func withGradients<Value>(_ body: () throws -> Value) rethrows -> Value {
        for parameter in tuned.adapter.parameters { parameter.isTrainable = true }
        // Setting it back drops the buffers, which hold gradients of the targets alone.
        defer { for parameter in tuned.adapter.parameters { parameter.isTrainable = false } }
        return try body()
    }
}
