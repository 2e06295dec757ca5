import Foundation

extension RunScores {
    /// `scores.csv`: one line a record and attack; records by their salted ids. Numbers in full precision.
    static func csv(_ runs: [RunScores]) -> String {
        var lines = ["run,vantage,attack,record,member,score"]
        for run in runs {
            for vantage in VantagePoint.allCases {
                guard let scored = run.scores[vantage] else { continue }
                for (attack, sample) in scored.attacks.sorted(by: { $0.key < $1.key }) {
                    for (index, id) in scored.recordIDs.enumerated() {
                        let fields = [
                            run.name, vantage.rawValue, attack, id, sample.isMember[index] ? "1" : "0",
                            "\(sample.scores[index])",
                        ]
                        lines.append(fields.map(quoted).joined(separator: ","))
                    }
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
        return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
