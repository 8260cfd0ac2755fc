import TraceFile

extension TrackState {
  /// Whether it says that a track works. All transfers are sampled together: the first engines take
  /// part.
  func isBusy(on track: TrackID) -> Bool {
    guard let engines = movingEngines else { return self == .busy }
    return Int(track.rawValue) - Int(TrackID.dma(0).rawValue) < engines
  }
}

extension TrackID {
  /// The track that holds a track's samples: those of transfers are kept once.
  var sampled: TrackID { isDMA ? .dma(0) : self }
}
