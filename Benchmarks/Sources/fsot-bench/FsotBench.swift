import ArgumentParser

/// `fsot-bench`: one measurement a process, so that peak memory is that of the measured work alone.
@main
struct FsotBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsot-bench",
        abstract: "Measure the tensor engine; run.py compares the figures with PyTorch's.",
        discussion: """
            Example:
              fsot-bench step lora-qv --model .models/SmolLM2-135M-Instruct.Q4_1.gguf --threads 1 --compute f32 \
            --batch 4 --length 256 --steps 2
            """,
        subcommands: [StepCommand.self, KernelsCommand.self, ExportCommand.self]
    )
}
