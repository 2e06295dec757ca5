/// Guesses membership from the records alone, without any model (after Das, Zhang & Tramèr 2024).
///
/// If this works, members and held-out records differ in themselves, and no attack on a model proves anything: the gate that
/// most published figures would not have passed.
public struct BlindBaseline: Sendable {
    private let settings: AttackSuite.Blind

    /// Keeps the settings.
    public init(_ settings: AttackSuite.Blind = AttackSuite.Blind()) { self.settings = settings }

    /// Cross-fitted scores: each record is scored by a classifier that saw none of the records sharing its coin.
    ///
    /// Folds go by coin and are balanced by label; otherwise a subject's other records would give the coin away.
    public func scores(
        of records: [AuditedRecord],
        using generator: inout some RandomNumberGenerator
    ) -> [Double] {
        let features = records.map { BlindFeatures($0.text, buckets: settings.buckets) }
        let foldOfCoin = folds(records, using: &generator)
        let foldOfRecord = records.map { foldOfCoin[$0.coin] ?? 0 }
        var scores = [Double](repeating: 0, count: records.count)
        for fold in Set(foldOfRecord).sorted() {
            let training = records.indices.filter { foldOfRecord[$0] != fold }
            let scaling = ShapeScaling(training.map { features[$0].shape })
            func rows(_ indices: [Int]) -> SparseRows {
                var rows = SparseRows(columns: settings.buckets + BlindFeatures.shapeCount)
                for index in indices {
                    let shape = scaling.apply(features[index].shape).enumerated()
                    let entries = shape.map { (column: settings.buckets + $0.offset, value: $0.element) }
                    rows.append(features[index].words + entries)
                }
                return rows
            }
            let model = RidgeLogistic(
                rows: rows(training),
                labels: training.map { records[$0].isMember },
                ridge: settings.ridge
            )
            let held = records.indices.filter { foldOfRecord[$0] == fold }
            for (index, score) in zip(held, model.scores(of: rows(held))) { scores[index] = score }
        }
        return scores
    }

    private func folds(
        _ records: [AuditedRecord],
        using generator: inout some RandomNumberGenerator
    ) -> [Int: Int] {
        var folds: [Int: Int] = [:]
        for isMember in [true, false] {
            var seen: Set<Int> = []
            let coins = records.filter { $0.isMember == isMember && seen.insert($0.coin).inserted }.map(\.coin)
            for (position, coin) in coins.shuffled(using: &generator).enumerated() {
                folds[coin] = position % settings.folds
            }
        }
        return folds
    }

    private struct ShapeScaling {
        private let means: [Double]
        private let deviations: [Double]

        init(_ rows: [[Double]]) {
            let count = Double(max(1, rows.count))
            var means = [Double](repeating: 0, count: BlindFeatures.shapeCount)
            var deviations = means
            for column in means.indices {
                let mean = rows.reduce(0) { $0 + $1[column] } / count
                means[column] = mean
                let variance = rows.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / count
                deviations[column] = max(variance.squareRoot(), 1e-9)
            }
            self.means = means
            self.deviations = deviations
        }

        func apply(_ row: [Double]) -> [Double] {
            // Far outliers are cut, lest one strange record steer the classifier.
            row.indices.map { min(5, max(-5, (row[$0] - means[$0]) / deviations[$0])) }
        }
    }
}
