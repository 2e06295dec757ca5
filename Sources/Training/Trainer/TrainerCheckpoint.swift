import TensorEngine

/// Everything that decides what a trainer does next.
public struct TrainerCheckpoint {
    /// What must agree for a resumed run to be the same run.
    public struct Identity: Codable, Sendable, Equatable {
        /// The configuration.
        public var configuration: TrainerConfiguration
        /// Shapes by name of the trained parameters.
        public var parameters: [String: [Int]]
        /// A hash of all token ids and labels, in order.
        public var examples: UInt64
    }

    /// What must agree.
    public var identity: Identity
    /// Steps taken.
    public var step: Int
    /// Where the next batch starts.
    public var order: DataOrder
    /// The hooks' randomness.
    public var generator: SeededGenerator
    /// Moments and step counts.
    public var optimizer: OptimizerState
    /// Values by name of the trained parameters.
    public var parameters: [String: Tensor]
}

extension Trainer {
    /// What this trainer is, apart from how far it has come.
    public var identity: TrainerCheckpoint.Identity {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ value: Int) { hash = (hash ^ UInt64(bitPattern: Int64(value))) &* 0x100_0000_01b3 }
        for example in examples {
            mix(example.ids.count)
            for id in example.ids { mix(Int(id)) }
            for label in example.labels { mix(Int(label)) }
        }
        return TrainerCheckpoint.Identity(
            configuration: configuration,
            parameters: Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value.shape) }),
            examples: hash
        )
    }

    /// A copy of the state, to save or to go back to.
    public func checkpoint() -> TrainerCheckpoint {
        TrainerCheckpoint(
            identity: identity,
            step: step,
            order: order,
            generator: context.generator,
            optimizer: optimizer.state(),
            parameters: Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value.copy()) })
        )
    }

    /// Puts parameters, moments, randomness and data order back.
    ///
    /// - Parameter path: what errors call the checkpoint.
    /// - Throws: `TrainingError.checkpointMismatch` when configuration, data or parameters are not the same ones; the
    ///   trainer is then unchanged.
    public func restore(_ checkpoint: TrainerCheckpoint, path: String = "in memory") throws {
        let own = identity
        func refuse(_ reason: String) -> TrainingError { .checkpointMismatch(path: path, reason: reason) }
        guard checkpoint.identity.configuration == own.configuration else {
            throw refuse("it was made with other training settings")
        }
        guard checkpoint.identity.parameters == own.parameters else {
            throw refuse("it trains other parameters")
        }
        guard checkpoint.identity.examples == own.examples, checkpoint.order.count == order.count else {
            throw refuse("it was made on other records, or with another template or maximum length")
        }
        for parameter in parameters {
            guard let value = checkpoint.parameters[parameter.name], value.shape == parameter.value.shape else {
                throw refuse("the values of \(parameter.name) are missing")
            }
        }
        try optimizer.restore(checkpoint.optimizer, for: parameters)
        for parameter in parameters {
            guard let value = checkpoint.parameters[parameter.name] else { continue }
            parameter.value.values = value.values
        }
        context.generator = checkpoint.generator
        context.step = checkpoint.step
        order = checkpoint.order
    }
}
