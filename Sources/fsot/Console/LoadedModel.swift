import ArgumentParser
import Checkpoints
import Emulators
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import Tokenizers

/// The MODEL argument, with an adapter on it if one is given.
struct ModelOptions: ParsableArguments {
    @Argument(help: "A Hugging Face directory or a .gguf file.")
    var model: String

    @Option(help: "An adapter directory, or the run directory that it is in; numbered for the emulator or for MODEL.")
    var adapter: String?

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .f32

    /// Opens the model and puts the adapter into it.
    func load(for console: Console) throws -> LoadedModel {
        try LoadedModel(path: model, adapter: adapter, precision: compute.precision(), console: console)
    }
}

/// A model that is ready to run: weights checked, tokenizer fitting, adapter in place.
struct LoadedModel {
    let tokenizer: Tokenizer
    let model: LanguageModel
    /// Kept because a merged adapter holds the weights as they were.
    private let adapter: (any Adapter)?

    /// Opens MODEL. Low-rank branches are merged: nothing that uses this trains them.
    init(
        path: String,
        adapter: String? = nil,
        precision: ComputePrecision = .float32,
        console: Console
    ) throws {
        let files = try ModelFiles(path: path)
        model = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: path)
        tokenizer = files.tokenizer
        let full = model
        self.adapter = try adapter.map { try AdapterPlacement($0, model: full, modelPath: path).load(onto: full) }
        (self.adapter as? LoRA)?.merge()
        model.compute(in: precision, releasingFloat32: true)
        let name = files.configuration.architecture.rawValue
        console.note(
            "\(path): \(name), \(model.blocks.count) layers, \(Magnitude.text(model.parameterCount)) parameters"
        )
        if let adapter { console.note("\(adapter): on these layers") }
    }

    /// Tokens after which generation is over: the model's own end tokens, and ChatML's end of a turn.
    var stopIDs: Set<Int32> {
        var ids: Set<Int32> = []
        if let id = tokenizer.endID { ids.insert(id) }
        if let id = tokenizer.id(of: "<|im_end|>"), tokenizer.isSpecial(id) { ids.insert(id) }
        let configured = model.configuration.json["eos_token_id"]
        for value in configured?.array ?? [configured ?? .null] {
            if let id = value.int.flatMap({ Int32(exactly: $0) }) { ids.insert(id) }
        }
        return ids
    }

    /// Longest text that the model takes, in tokens.
    var maximumTokens: Int { model.configuration.maximumPositions }
}

/// What can be read of a model without its weights: configuration and tokenizer, checked against each other.
struct ModelFiles {
    let checkpoint: Checkpoint
    let configuration: ModelConfiguration
    let tokenizer: Tokenizer

    init(path: String) throws { try self.init(try Checkpoint.open(path)) }

    /// The files of an emulator that may lie in memory.
    init(_ directory: CheckpointDirectory) throws { try self.init(try Checkpoint.open(directory)) }

    private init(_ checkpoint: Checkpoint) throws {
        self.checkpoint = checkpoint
        do {
            let described = try ModelConfiguration(json: checkpoint.configuration)
            // An emulator's middle may be thinner than its config.json can say.
            configuration = try Self.emulator(of: checkpoint)?.thinned(described) ?? described
        } catch let error as EmulatorError {
            throw error
        } catch {
            throw CommandFailure("\(checkpoint.path): \(error)")
        }
        tokenizer = try Tokenizer.load(from: checkpoint)
        try tokenizer.requireFit(embeddingRows: configuration.vocabularySize)
    }

    private static func emulator(of checkpoint: Checkpoint) throws -> EmulatorMetadata? {
        guard case .huggingFace(let directory) = checkpoint.origin else { return nil }
        return try EmulatorMetadata.ifPresent(directory)
    }
}

/// Counts in the form people say them: `134.5 M`.
enum Magnitude {
    static func text(_ count: Int) -> String {
        switch count {
        case 1_000_000_000...: return String(format: "%.2f G", Double(count) / 1e9)
        case 1_000_000...: return String(format: "%.1f M", Double(count) / 1e6)
        case 10_000...: return String(format: "%.1f k", Double(count) / 1e3)
        default: return String(count)
        }
    }

    /// `1.5 GB`, in powers of 1000 as file managers show them.
    static func bytes(_ count: Int) -> String {
        switch count {
        case 1_000_000_000...: return String(format: "%.2f GB", Double(count) / 1e9)
        case 1_000_000...: return String(format: "%.1f MB", Double(count) / 1e6)
        case 10_000...: return String(format: "%.1f kB", Double(count) / 1e3)
        default: return "\(count) bytes"
        }
    }
}
