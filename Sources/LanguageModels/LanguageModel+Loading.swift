import Checkpoints
import TensorEngine

extension LanguageModel {
    /// Loads a model from a Hugging Face directory or a GGUF file, frozen.
    ///
    /// - Throws: `LanguageModelError` when the configuration is not one of ours, and as
    ///   ``load(_:configuration:path:)``.
    public static func load(_ checkpoint: Checkpoint) throws -> LanguageModel {
        let configuration = try ModelConfiguration(json: checkpoint.configuration)
        return try load(checkpoint.tensors, configuration: configuration, path: checkpoint.path)
    }

    /// Loads the model of `configuration` from any source of tensors; `path` is for errors only.
    ///
    /// Tensor by tensor into its final place: the peak is one model, not two.
    ///
    /// - Throws: `LanguageModelError` when the tensors are not exactly those of the configuration (every missing, extra
    ///   or misshapen one is named), or when one holds NaN or infinity; what the file format throws passes through.
    public static func load(
        _ tensors: any TensorSource,
        configuration: ModelConfiguration,
        path: String
    ) throws -> LanguageModel {
        let provider = CheckpointProvider(tensors, path: path, definition: configuration.architecture.definition)
        let model = try LanguageModel(configuration: configuration, weights: provider)
        let definition = configuration.architecture.definition
        try provider.finish { name in
            definition.isHarmless(name) || configuration.tiesEmbeddings && name == "lm_head.weight"
        }
        return model
    }
}

extension LanguageModel {
    /// Checks, without reading a weight, that the tensors are exactly those that the configuration calls for, in the shapes
    /// that it calls for; `path` is for errors only. Unlike loading it lets nothing pass for being harmless.
    ///
    /// - Throws: `LanguageModelError.tensorSet`, `.wrongShapes`.
    public static func requireTensors(
        _ tensors: any TensorSource,
        configuration: ModelConfiguration,
        path: String
    ) throws {
        let provider = CheckpointProvider(
            tensors,
            path: path,
            definition: configuration.architecture.definition,
            readsValues: false
        )
        _ = try LanguageModel(configuration: configuration, weights: provider)
        try provider.finish(allowing: { _ in false })
    }
}

/// Reads each asked-for tensor once and keeps account of what is missing, misshapen or left over.
final class CheckpointProvider: WeightProvider {
    private let source: any TensorSource
    private let path: String
    private let definition: any ArchitectureDefinition.Type
    private let names: Set<String>
    private let readsValues: Bool
    private var used: Set<String> = []
    private var missing: [String] = []
    private var misshapen: [String] = []

    /// - Parameter readsValues: false only checks names and shapes.
    init(
        _ source: any TensorSource,
        path: String,
        definition: any ArchitectureDefinition.Type,
        readsValues: Bool = true
    ) {
        self.source = source
        self.readsValues = readsValues
        self.path = path
        self.definition = definition
        names = Set(source.tensorNames)
    }

    func parameter(_ name: String, shape: [Int]) throws -> Parameter {
        // A placeholder keeps the walk going, so that all problems are named at once.
        let placeholder = Parameter(name: name, value: Tensor.zeros([1]))
        guard let stored = storedName(name) else {
            missing.append(name)
            return placeholder
        }
        used.insert(stored)
        let info = try source.info(stored)
        guard info.shape == shape else {
            misshapen.append("\(name) has the shape \(info.shape) instead of \(shape)")
            return placeholder
        }
        guard readsValues, missing.isEmpty, misshapen.isEmpty else { return placeholder }
        let tensor = try source.tensor(stored)
        if Elementwise.hasNonFinite(tensor) {
            let index = tensor.withUnsafeBufferPointer { $0.firstIndex { !$0.isFinite } } ?? 0
            throw LanguageModelError.notFinite(path: path, tensor: name, index: index)
        }
        return Parameter(name: name, value: tensor)
    }

    /// The name in the file: ours, or without the prefix of the headless model.
    private func storedName(_ name: String) -> String? {
        if names.contains(name) { return name }
        guard name.hasPrefix(definition.basePrefix) else { return nil }
        let bare = String(name.dropFirst(definition.basePrefix.count))
        return names.contains(bare) ? bare : nil
    }

    /// - Parameter isHarmless: whether a tensor that was not asked for may be there.
    func finish(allowing isHarmless: (String) -> Bool) throws {
        let extra = names.subtracting(used).filter { !isHarmless($0) }
        guard missing.isEmpty && extra.isEmpty else {
            throw LanguageModelError.tensorSet(path: path, missing: missing, extra: extra.sorted())
        }
        guard misshapen.isEmpty else { throw LanguageModelError.wrongShapes(path: path, tensors: misshapen) }
    }
}
