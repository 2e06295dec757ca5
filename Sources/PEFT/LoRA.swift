import Checkpoints
import LanguageModels
import TensorEngine

/// Low-rank adaptation (arXiv 2106.09685): y = W x + scale · B A x with W frozen, A `[rank, in]`, B `[out, rank]`.
public final class LoRA: Adapter {
    /// What peft puts before a module's name in its files.
    static let prefix = "base_model.model."

    /// The settings.
    public let configuration: LoRAConfiguration
    /// The adapted layers, first to last, each with its branch.
    public let branches: [(linear: Linear, branch: LowRankBranch)]
    /// The weights as they were before `merge()`, in the order of `branches`; nil while not merged.
    private var originals: [Tensor]?

    private init(configuration: LoRAConfiguration, branches: [(linear: Linear, branch: LowRankBranch)]) {
        self.configuration = configuration
        self.branches = branches
        for (linear, branch) in branches { linear.lowRank = branch }
    }

    /// A and B of every branch, named as in peft's file.
    public var parameters: [Parameter] { branches.flatMap { [$0.branch.a, $0.branch.b] } }

    /// Attaches fresh, trainable branches as peft does: A uniform in ±1/√in (Kaiming with a = √5), B zero.
    ///
    /// Each A depends on the generator's seed and the layer's name only.
    ///
    /// - Throws: `PEFTError.unknownTarget`, `.noSuchLayer`, `.alreadyAttached`.
    public static func attach(
        to model: LanguageModel,
        configuration: LoRAConfiguration,
        generator: SeededGenerator
    ) throws -> LoRA {
        let targets = try configuration.resolve(on: model, isStrict: true)
        return try LoRA(
            configuration: configuration,
            branches: branches(on: targets, configuration: configuration, isTrainable: true) { name, shape in
                guard name.hasSuffix(".lora_A.weight") else { return Tensor.zeros(shape) }
                var own = generator.derive(name)
                let bound = 1 / Double(shape[1]).squareRoot()
                return Tensor(
                    shape: shape,
                    values: (0..<shape[0] * shape[1]).map { _ in Float((own.uniform() * 2 - 1) * bound) }
                )
            }
        )
    }

    /// Attaches the branches that peft's `save_pretrained` or `save(to:)` wrote.
    ///
    /// - Parameters:
    ///   - renumbering: from the layer numbers in the files to those of `model`; nil: they are the same.
    ///   - isTrainable: whether to go on training them.
    /// - Throws: `PEFTError` for another method, an unsupported setting, or tensors that are not exactly those that the
    ///   settings ask for on this model; what reading the files throws.
    public static func load(
        from directory: String,
        onto model: LanguageModel,
        renumbering: [Int: Int]? = nil,
        isTrainable: Bool = false
    ) throws -> LoRA {
        let json = try JSONValue.read(directory + "/" + AdapterDirectory.configurationFile)
        var configuration = try LoRAConfiguration(json: json, path: directory)
        var fileLayers: [Int: Int]?
        if let renumbering {
            fileLayers = try AdapterDirectory.inverse(renumbering)
            configuration.layersToTransform = try (configuration.layersToTransform ?? renumbering.keys.sorted()).map {
                guard let layer = renumbering[$0] else {
                    throw PEFTError.noSuchLayer(layer: $0, layerCount: renumbering.count)
                }
                return layer
            }
        }
        let targets = try configuration.resolve(on: model, isStrict: false)
        var storedNames: [String: String] = [:]
        var expected: [(name: String, shape: [Int])] = []
        for (layer, linear) in targets {
            let module = fileLayers?[layer].map { model.blockPrefix($0) + model.localName(linear, layer) }
            for (factor, shape) in shapes(linear, rank: configuration.rank) {
                let stored = name(module ?? linear.name, factor)
                storedNames[name(linear.name, factor)] = stored
                expected.append((name: stored, shape: shape))
            }
        }
        let tensors = try AdapterDirectory.read(expected, from: directory)
        return try LoRA(
            configuration: configuration,
            branches: branches(on: targets, configuration: configuration, isTrainable: isTrainable) { name, _ in
                guard let tensor = storedNames[name].flatMap({ tensors[$0] }) else {
                    throw PEFTError.tensorSet(path: directory, missing: [name], extra: [])
                }
                return tensor
            }
        )
    }

    /// Writes `adapter_config.json` and `adapter_model.safetensors` as peft's `save_pretrained` does.
    ///
    /// - Throws: `PEFTError.notFinite` when training has diverged; `CheckpointError`, `AtomicFileError` for the disk.
    public func save(to directory: String) throws {
        var suffixes: [String] = []
        for (linear, _) in branches {
            let suffix = linear.name.split(separator: ".").last.map(String.init) ?? linear.name
            if !suffixes.contains(suffix) { suffixes.append(suffix) }
        }
        if case .names(let names) = configuration.targets { suffixes = names }
        let json = configuration.json(
            targetNames: suffixes,
            fanInFanOut: branches.contains { $0.linear.layout == .inputByOutput }
        )
        try AdapterDirectory.write(json, parameters.map { ($0.name, $0.value) }, to: directory)
    }

    // MARK: - Merging

    /// Whether the update sits in the weights instead of beside them.
    public var isMerged: Bool { originals != nil }

    /// Adds scale · B A to the weights and takes the branches off, so that the model is a plain one.
    ///
    /// The old weights are kept for `unmerge()`: for the adapted layers the memory doubles while merged. Values that
    /// another model shares are left alone, because each weight gets new storage.
    public func merge() {
        guard originals == nil else { return }
        originals = branches.map { linear, branch in
            let original = linear.weight.value
            let merged = original.copy()
            Elementwise.axpy(branch.scale, Self.product(branch, layout: linear.layout), into: merged)
            linear.weight.value = merged
            linear.lowRank = nil
            return original
        }
    }

    /// Puts the old weights back, to the bit, and the branches beside them.
    public func unmerge() {
        guard let originals else { return }
        for ((linear, branch), original) in zip(branches, originals) {
            linear.weight.value = original
            linear.lowRank = branch
        }
        self.originals = nil
    }

    /// Takes the branches off; a merged update stays in the weights for good.
    public func detach() {
        for (linear, _) in branches { linear.lowRank = nil }
        originals = nil
    }

    /// B A in the layout of the weight.
    private static func product(_ branch: LowRankBranch, layout: WeightLayout) -> Tensor {
        let tape = Tape(isRecording: false)
        switch layout {
        case .outputByInput:
            return tape.linear(branch.b.value, weight: branch.a, layout: .inputByOutput)
        case .inputByOutput:
            let (rank, width) = (branch.a.value.rows, branch.a.value.columns)
            let values = branch.a.value.values
            let transposed = Tensor(
                shape: [width, rank],
                values: (0..<width * rank).map { values[($0 % rank) * width + $0 / rank] }
            )
            return tape.linear(transposed, weight: branch.b, layout: .outputByInput)
        }
    }

    // MARK: - Names and shapes

    private static func name(_ module: String, _ factor: String) -> String {
        prefix + module + "." + factor + ".weight"
    }

    private static func shapes(_ linear: Linear, rank: Int) -> [(factor: String, shape: [Int])] {
        [("lora_A", [rank, linear.inputSize]), ("lora_B", [linear.outputSize, rank])]
    }

    private static func branches(
        on targets: [(layer: Int, linear: Linear)],
        configuration: LoRAConfiguration,
        isTrainable: Bool,
        value: (_ name: String, _ shape: [Int]) throws -> Tensor
    ) throws -> [(linear: Linear, branch: LowRankBranch)] {
        if let (_, linear) = targets.first(where: { $0.linear.lowRank != nil }) {
            throw PEFTError.alreadyAttached(module: linear.name)
        }
        return try targets.map { _, linear in
            let factors = try shapes(linear, rank: configuration.rank).map { factor, shape in
                let name = name(linear.name, factor)
                return Parameter(name: name, value: try value(name, shape), isTrainable: isTrainable)
            }
            return (linear, LowRankBranch(a: factors[0], b: factors[1], scale: configuration.scale))
        }
    }
}
