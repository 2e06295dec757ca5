import ArgumentParser
import AtomicFiles
import Checkpoints
import Federation
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import Tokenizers

/// `fsot plug`: the tuned adapter goes back into the full model.
struct Plug: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a tuned adapter into the full model and write the result.",
        discussion: """
            Writes a Hugging Face directory, and in it adapter-full/: the adapter under the full model's layer numbers.

            Example:
              fsot plug model.gguf run/adapter -o plugged
            """
    )

    @Argument(help: "The full model: a Hugging Face directory or a .gguf file.")
    var model: String

    @Argument(help: "The adapter directory, or the run directory that it is in.")
    var adapter: String

    @Option(help: "How the weights are written: f32 or bf16.")
    var dtype: String = "f32"

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var parameters: Int
        var adapterTensors: [String]
    }

    func validate() throws {
        guard ["f32", "bf16"].contains(dtype) else { throw ValidationError("--dtype \(dtype) is not f32 or bf16") }
    }

    func run() throws {
        let console = options.console
        let files = try ModelFiles(path: model)
        let staged = try StagedDirectory(destination: output)
        console.note("reading \(model)")
        let full = try LanguageModel.load(files.checkpoint.tensors, configuration: files.configuration, path: model)
        let placement = try AdapterPlacement(adapter, model: full, modelPath: model)
        let placed = try placement.load(onto: full)
        if try placement.run?.canaryClients != nil {
            console.warn("\(adapter) is mixed with canary clients: a measurement, and not an adapter to hand out")
        }
        try placed.save(to: staged.path + "/adapter-full")
        (placed as? LoRA)?.merge()
        try Interruption.check()
        console.note("writing \(output)")
        let inner = staged.path + "/model"
        try full.save(
            to: inner,
            tokenizer: files.tokenizer,
            type: dtype == "bf16" ? .bf16 : .f32
        )
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: inner) {
            try manager.moveItem(atPath: inner + "/" + name, toPath: staged.path + "/" + name)
        }
        try manager.removeItem(atPath: inner)
        try Interruption.check()
        try staged.commit()
        try console.result(
            "\(output): \(Magnitude.text(full.parameterCount)) parameters, \(placed.parameters.count) adapter tensors in place",
            json: Result(
                output: output,
                parameters: full.parameterCount,
                adapterTensors: placed.parameters.map(\.name).sorted()
            )
        )
    }
}
