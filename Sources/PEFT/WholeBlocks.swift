import Checkpoints
import LanguageModels
import TensorEngine

/// Whole blocks as the adapter: the method of offsite-tuning's paper (arXiv 2302.04870). The parameters are the model's own.
///
/// Its directory holds `adapter_model.safetensors` with the blocks' own tensor names and an `adapter_config.json` with
/// `method`, `architecture`, `blocks` and `layer_count`.
public final class WholeBlocks: Adapter {
    static let methodName = "whole_blocks"

    /// The numbers of the blocks in their model.
    public let blocks: [Int]
    /// All parameters of the blocks, in model order, named as in the model.
    public let parameters: [Parameter]
    private let architecture: Architecture
    private let layerCount: Int

    /// The blocks of `model` as an adapter; sets whether they are trained, and touches no other block.
    ///
    /// - Throws: `PEFTError.noSuchLayer`, `.badSetting` when there is no block.
    public init(_ blocks: some Sequence<Int>, of model: LanguageModel, isTrainable: Bool = true) throws {
        let blocks = Set(blocks).sorted()
        guard !blocks.isEmpty else {
            throw PEFTError.badSetting(key: "blocks", value: "[]", expected: "at least one block")
        }
        if let wrong = blocks.first(where: { !model.blocks.indices.contains($0) }) {
            throw PEFTError.noSuchLayer(layer: wrong, layerCount: model.blocks.count)
        }
        self.blocks = blocks
        architecture = model.configuration.architecture
        layerCount = model.blocks.count
        parameters = blocks.flatMap { model.blocks[$0].parameters }
        for parameter in parameters { parameter.isTrainable = isTrainable }
    }

    /// Writes the blocks' tensors under their own names, and the small configuration.
    ///
    /// - Throws: `PEFTError.notFinite` when training has diverged; `CheckpointError`, `AtomicFileError` for the disk.
    public func save(to directory: String) throws {
        let json: JSONValue = [
            "method": .string(Self.methodName),
            "architecture": .string(architecture.rawValue),
            "blocks": .array(blocks.map { .int($0) }),
            "layer_count": .int(layerCount),
        ]
        try AdapterDirectory.write(json, parameters.map { ($0.name, $0.value) }, to: directory)
    }

    /// Puts saved blocks into `model`: exact set, by name, each value replaced. The blocks are frozen afterwards.
    ///
    /// - Parameter renumbering: from the block numbers in the files to those of `model`; nil: they are the same, and
    ///   the model must have as many blocks as the one that was saved.
    /// - Throws: `PEFTError`, and what reading the files throws; the model is unchanged then.
    public static func load(
        from directory: String,
        onto model: LanguageModel,
        renumbering: [Int: Int]? = nil
    ) throws -> WholeBlocks {
        let settings = try Settings(directory)
        guard settings.architecture == model.configuration.architecture.rawValue else {
            throw PEFTError.badSetting(
                key: "architecture",
                value: settings.architecture,
                expected: model.configuration.architecture.rawValue
            )
        }
        if renumbering == nil, settings.layerCount != model.blocks.count {
            throw PEFTError.badSetting(
                key: "layer_count",
                value: String(settings.layerCount),
                expected: "\(model.blocks.count), the number of blocks of this model"
            )
        }
        let pairs = try settings.blocks.map { block in
            let target = renumbering.map { $0[block] } ?? block
            guard let target, model.blocks.indices.contains(target) else {
                throw PEFTError.noSuchLayer(layer: target ?? block, layerCount: model.blocks.count)
            }
            return (file: block, model: target)
        }
        var stored: [(name: String, parameter: Parameter)] = []
        for (file, target) in pairs {
            let (from, to) = (model.blockPrefix(target), model.blockPrefix(file))
            stored += model.blocks[target].parameters.map { (to + $0.name.dropFirst(from.count), $0) }
        }
        let tensors = try AdapterDirectory.read(
            stored.map { (name: $0.name, shape: $0.parameter.value.shape) },
            from: directory
        )
        for (name, parameter) in stored {
            if let tensor = tensors[name] { parameter.value = tensor }
        }
        return try WholeBlocks(pairs.map(\.model), of: model, isTrainable: false)
    }

    private struct Settings {
        let architecture: String
        let blocks: [Int]
        let layerCount: Int

        init(_ directory: String) throws {
            let json = try JSONValue.read(directory + "/" + AdapterDirectory.configurationFile)
            guard json["method"]?.string == WholeBlocks.methodName else {
                let found = (json["peft_type"] ?? json["method"])?.string ?? "(none)"
                throw PEFTError.otherMethod(path: directory, found: found)
            }
            func bad(_ key: String, _ expected: String) -> PEFTError {
                .badSetting(key: key, value: (json[key] ?? .null).canonicalText, expected: expected)
            }
            guard let architecture = json["architecture"]?.string else { throw bad("architecture", "a model type") }
            guard let numbers = json["blocks"]?.array?.compactMap(\.int), !numbers.isEmpty,
                Set(numbers).count == json["blocks"]?.array?.count
            else { throw bad("blocks", "a list of block numbers") }
            guard let layerCount = json["layer_count"]?.int else { throw bad("layer_count", "an integer") }
            self.architecture = architecture
            self.blocks = numbers
            self.layerCount = layerCount
        }
    }
}
