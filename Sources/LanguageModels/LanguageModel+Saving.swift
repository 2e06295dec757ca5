import AtomicFiles
import Checkpoints
import Foundation
import TensorEngine
import Tokenizers

extension LanguageModel {
    /// Writes a Hugging Face directory, `config.json` and `model.safetensors`, that transformers 4 and 5 open.
    ///
    /// The directory appears whole or not at all. Low-rank branches that are attached and not merged are not written.
    ///
    /// - Parameters:
    ///   - directory: must not exist yet, or be empty.
    ///   - tokenizer: written as `tokenizer.json` with its companions; nil: none is written.
    ///   - type: `.f32`, or `.bf16` (rounded to nearest even).
    ///   - files: further files by name, e.g. `emulator.json`; they win over the tokenizer's.
    /// - Throws: `LanguageModelError.notFinite` when a weight has become NaN or infinite; `TokenizerError` when the
    ///   tokenizer has more tokens than the model; `AtomicFileError` and
    ///   `CheckpointError` when the disk refuses.
    public func save(
        to directory: String,
        tokenizer: Tokenizer? = nil,
        type: ElementType = .f32,
        files: [String: Data] = [:]
    ) throws {
        for parameter in parameters where Elementwise.hasNonFinite(parameter.value) {
            let index = parameter.value.withUnsafeBufferPointer { $0.firstIndex { !$0.isFinite } } ?? 0
            throw LanguageModelError.notFinite(path: directory, tensor: parameter.name, index: index)
        }
        var files = files
        if let tokenizer {
            try tokenizer.requireFit(embeddingRows: configuration.vocabularySize)
            files["tokenizer.json"] = try files["tokenizer.json"] ?? tokenizer.tokenizerJSON()
            files.merge(tokenizer.companionFiles) { given, _ in given }
        }
        let staged = try StagedDirectory(destination: directory)
        try AtomicFile.write(configurationJSON(type).prettyText + "\n", to: staged.path + "/config.json")
        for (name, data) in files.sorted(by: { $0.key < $1.key }) {
            try AtomicFile.write(data, to: staged.path + "/" + name)
        }
        try SafetensorsWriter.write(
            parameters.map { SafetensorsWriter.Entry(name: $0.name, tensor: $0.value, type: type) },
            metadata: ["format": "pt"],
            to: staged.path + "/model.safetensors"
        )
        try staged.commit()
    }

    /// transformers 5 reads `dtype`, transformers 4 `torch_dtype`.
    private func configurationJSON(_ type: ElementType) -> JSONValue {
        var json = configuration.json(layerCount: blocks.count)
        let name: JSONValue = type == .bf16 ? "bfloat16" : type == .f16 ? "float16" : "float32"
        if !configuration.thinnedBlocks.isEmpty {
            let architecture = configuration.architecture
            json["model_type"] = .string(Architecture.thinnedPrefix + architecture.rawValue)
            json["architectures"] = .array([.string("FsotThinned" + architecture.definition.className)])
        }
        json["dtype"] = name
        json["torch_dtype"] = name
        return json
    }
}
