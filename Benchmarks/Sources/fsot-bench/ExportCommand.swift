import ArgumentParser
import Checkpoints
import Emulators
import LanguageModels

/// `fsot-bench export`: the same weights for both engines.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model as a Hugging Face directory that PyTorch reads too.",
        discussion: """
            Example:
              fsot-bench export model.gguf full
              fsot-bench export model.gguf emulator --emulator
            """
    )

    @Argument(help: "A Hugging Face directory or a .gguf file.")
    var model: String

    @Argument(help: "A new directory.")
    var output: String

    @Flag(help: "Write the emulator of two bottom blocks, half of the middle and two top blocks, not distilled.")
    var emulator = false

    func run() throws {
        let full = try LanguageModel.load(Checkpoint.open(model))
        guard emulator else { return try full.save(to: output) }
        let split = try OffsiteSplit.half(of: full)
        try full.subset(blocks: split.sourceLayers, copying: []).save(to: output)
    }
}
