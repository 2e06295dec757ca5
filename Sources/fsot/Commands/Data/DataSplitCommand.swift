import ArgumentParser
import Foundation
import Training

extension SplitMethod: ExpressibleByArgument {}

/// `fsot data split`: one file becomes the files of several data holders.
struct DataSplitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Split a file over data holders, each with its own train, val and test set.",
        discussion: """
            iid shuffles and cuts; lda draws each category's shares from Dir(ALPHA) (Hsu et al. 2019); meta gives whole \
            categories to parts. A subject never straddles two sets.

            Example:
              fsot data split gsm8k.jsonl --by iid --parts 3 --ratios 0.9,0.05,0.05 --seed 1 -o parts
              fsot tune emulator --data parts/part-*/train.jsonl -o run
            """
    )

    @Argument(help: "JSONL (optionally gzip) or CSV.")
    var file: String

    @Option(name: .customLong("by"), help: "iid, lda or meta.")
    var method: SplitMethod = .iid

    @Option(help: "Number of parts; with meta the default is one for each category.")
    var parts: Int?

    @Option(help: "Dirichlet concentration of lda: small is skewed, large is even.")
    var alpha = 0.5

    @Option(help: "Shares of train, val and test, with commas.")
    var ratios = "0.9,0.05,0.05"

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @Option(help: "Decides the shuffle.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if ratioValues == nil { throw ValidationError("--ratios \(ratios) is not three numbers such as 0.9,0.05,0.05") }
        if method != .meta && parts == nil { throw ValidationError("--by \(method.rawValue) needs --parts N") }
    }

    private var ratioValues: [Double]? {
        let values = ratios.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        return values.count == 3 && !values.contains(nil) ? values.compactMap { $0 } : nil
    }

    func run() throws {
        let shares = ratioValues ?? []
        let request = SplitRequest(
            method: method,
            parts: parts,
            alpha: alpha,
            seed: seed,
            ratios: try SplitRatios(train: shares[0], validation: shares[1], test: shares[2])
        )
        let source = try RecordFile.open(file, columns: try columns.map { try ColumnMapping(parsing: $0) })
        let split = try DataSplit.split(source.records, by: request)
        let manifest = try DataSplit.write(split, of: source, request: request, to: output)
        var table = Table(["part", "train", "val", "test", "categories"])
        for part in manifest.parts {
            table.add([
                part.directory, "\(part.train)", "\(part.validation)", "\(part.test)",
                part.categories.sorted { $0.key < $1.key }.prefix(4).map { "\($0.key) \($0.value)" }.joined(
                    separator: ", "
                )
                    + (part.categories.count > 4 ? ", …" : ""),
            ])
        }
        try options.console.result("\(table.text)\n\(manifest.records) records in \(output)", json: manifest)
    }
}
