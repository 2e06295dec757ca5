import Checkpoints
import Emulators
import Foundation
import LanguageModels
import Tokenizers

extension Inspection {
    /// A Hugging Face directory or a GGUF file, an emulator when `emulator.json` lies beside the weights. Only headers
    /// are read.
    static func model(at path: String) throws -> Inspection {
        let checkpoint = try Checkpoint.open(path)
        let configuration: ModelConfiguration
        do {
            configuration = try ModelConfiguration(json: checkpoint.configuration)
        } catch {
            throw CommandFailure("\(path): \(error)")
        }
        let isEmulator = FileManager.default.fileExists(atPath: path + "/" + EmulatorMetadata.fileName)
        var result = Inspection(isEmulator ? "emulator" : "model")
        result.add("architecture", configuration.architecture.rawValue, key: "architecture")
        result.add("layers", configuration.layerCount, key: "layers")
        result.add("hidden size", configuration.hiddenSize, key: "hidden_size")
        result.add("feed-forward", configuration.feedForwardSize, key: "feed_forward_size")
        result.add(
            "heads",
            "\(configuration.headCount), \(configuration.keyValueHeadCount) for keys and values",
            key: "heads",
            .int(configuration.headCount)
        )
        result.add("vocabulary", configuration.vocabularySize, key: "vocabulary_size")
        result.add("positions", configuration.maximumPositions, key: "maximum_positions")
        result.add(
            "tied head",
            configuration.tiesEmbeddings ? "yes" : "no",
            key: "tied_head",
            .bool(configuration.tiesEmbeddings)
        )
        try result.addTensors(of: checkpoint)
        result.addTokenizer(of: checkpoint, embeddingRows: configuration.vocabularySize)
        if isEmulator { result.addEmulator(try EmulatorMetadata.read(directory: path)) }
        return result
    }

    private mutating func addTensors(of checkpoint: Checkpoint) throws {
        var (parameters, bytes) = (0, 0)
        var types: [String: Int] = [:]
        for name in checkpoint.tensors.tensorNames {
            let info = try checkpoint.tensors.info(name)
            parameters += info.elementCount
            bytes += info.byteCount
            types[info.type.rawValue, default: 0] += 1
        }
        let list = types.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) ×\($0.value)" }
        add("tensors", list.joined(separator: ", "), key: "tensor_types", .object(types.mapValues { .int($0) }))
        add("parameters", "\(parameters) (\(Magnitude.text(parameters)))", key: "parameters", .int(parameters))
        add("weights", Magnitude.bytes(bytes), key: "weight_bytes", .int(bytes))
    }

    /// A tokenizer that does not work is a finding, not a failure: there is more to say about the model.
    private mutating func addTokenizer(of checkpoint: Checkpoint, embeddingRows: Int) {
        do {
            let tokenizer = try Tokenizer.load(from: checkpoint)
            try tokenizer.requireFit(embeddingRows: embeddingRows)
            let end = tokenizer.endID.flatMap { tokenizer.token(of: $0) } ?? "none"
            add(
                "tokenizer",
                "\(tokenizer.vocabularySize) tokens, end \(end)",
                key: "tokens",
                .int(tokenizer.vocabularySize)
            )
            let template = Result { try tokenizer.recognizedChatTemplate() }
            let isKnown = (try? template.get()) != nil
            let text = tokenizer.chatTemplate == nil ? "none" : isKnown ? "ChatML" : "not one that fsot knows"
            add("chat template", text, key: "chat_template")
        } catch {
            add("tokenizer", "unusable: \(error)", key: "tokenizer_problem", .string("\(error)"))
        }
    }

    /// What `emulator.json` says.
    mutating func addEmulator(_ emulator: EmulatorMetadata) {
        add(
            "split",
            "\(emulator.bottom) bottom, \(emulator.kept) kept of \(emulator.fullLayers - emulator.bottom - emulator.top), "
                + "\(emulator.top) top",
            key: "split",
            ["bottom": .int(emulator.bottom), "kept": .int(emulator.kept), "top": .int(emulator.top)]
        )
        add("full model", "\(emulator.fullLayers) layers", key: "full_layers", .int(emulator.fullLayers))
        add("release", emulator.releaseID, key: "release_id")
    }
}
