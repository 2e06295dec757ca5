import Checkpoints
import Foundation
import LanguageModels
import TensorEngine

/// The reference values that the parity tests compare against.
///
/// The root is the environment variable `FSOT_GOLDEN` when set, else `Tests/Fixtures/golden`, which holds the tiny set;
/// `FSOT_MODEL` names the GGUF of SmolLM2-135M-Instruct for the tests on a real model.
public enum Golden {
    /// The directory with `tiny/`, and in a full set also `real/`, `logits/` and `tokenizer/`.
    public static let root = ProcessInfo.processInfo.environment["FSOT_GOLDEN"] ?? committedRoot

    /// The committed set: for tests that need some model and rely on its sizes, whatever set parity is checked on.
    public static let committedRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/golden").path

    /// The GGUF of the real model, nil when `FSOT_MODEL` is not set.
    public static let modelPath = ProcessInfo.processInfo.environment["FSOT_MODEL"]

    /// Whether the tests on the real model can run: it is there and the set has its values.
    public static let hasRealModel =
        modelPath != nil && FileManager.default.fileExists(atPath: root + "/real/batches.safetensors")

    /// Why the tests on the real model are skipped.
    public static let realModelHint = "set FSOT_MODEL to the GGUF and FSOT_GOLDEN to a full golden set to run this"

    /// A tiny model of the committed set.
    public static func committedModel(_ name: String) throws -> LanguageModel {
        try tinyModel(name, in: committedRoot)
    }

    /// The real model, read from the GGUF.
    public static func realModel() throws -> LanguageModel {
        try LanguageModel.load(Checkpoint.open(modelPath ?? ""))
    }

    /// A JSON file below the root.
    public static func json(_ path: String) throws -> JSONValue { try JSONValue.read(root + "/" + path) }

    /// A safetensors file below the root.
    public static func tensors(_ path: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: root + "/" + path)
    }

    /// A tiny model of the set: `llama`, `qwen2`, `gpt2` or `opt`.
    public static func tinyModel(_ name: String, in root: String = root) throws -> LanguageModel {
        let folder = root + "/tiny/\(name)/model"
        return try LanguageModel.load(
            SafetensorsFile(path: folder + "/model.safetensors"),
            configuration: ModelConfiguration(json: JSONValue.read(folder + "/config.json")),
            path: folder
        )
    }

    /// Training batches, with the padded rows left out.
    public static func batches(_ path: String) throws -> [GoldenBatch] {
        let file = try tensors(path)
        let count = file.tensorNames.count { $0.hasPrefix("input_ids.") }
        return try (0..<count).map { try GoldenBatch(file, index: $0) }
    }
}

/// One batch `[sequences, length]` of a golden set, made ragged.
public struct GoldenBatch {
    /// The batch without padding.
    public let batch: TokenBatch
    /// For each row of `batch` its row among the padded `[sequences · length]` ones.
    public let paddedRows: [Int]

    init(_ file: SafetensorsFile, index: Int) throws {
        let shape = try file.info("input_ids.\(index)").shape
        let mask = try file.integers("attention_mask.\(index)")
        let (ids, labels) = (try file.integers("input_ids.\(index)"), try file.integers("labels.\(index)"))
        paddedRows = mask.indices.filter { mask[$0] == 1 }
        batch = TokenBatch(
            ids: paddedRows.map { ids[$0] },
            labels: paddedRows.map { labels[$0] },
            layout: SequenceLayout(
                lengths: (0..<shape[0]).map { row in
                    mask[row * shape[1]..<(row + 1) * shape[1]].count { $0 == 1 }
                }
            )
        )
    }
}

extension JSONValue {
    /// The numbers of an array; empty when it is none.
    public var doubles: [Double] { (array ?? []).compactMap(\.double) }
    /// The integers of an array; empty when it is none.
    public var ids: [Int32] { (array ?? []).compactMap(\.int).map(Int32.init) }
}
