extension KernelBuilder {
  /// Emits a loop whose loads run ahead of its computing.
  ///
  /// The streams of the engines are in order: a load that stands behind a store waits until that
  /// store's result is there. Here the loads of item i + `ahead` stand before the computing and
  /// storing of item i. Every pool that `load` takes tiles from needs `ahead` + 1 buffers.
  package mutating func pipelined<Item, Loaded>(
    _ items: [Item], ahead: Int = 2, load: (inout KernelBuilder, Item) -> Loaded,
    compute: (inout KernelBuilder, Item, Loaded) -> Void
  ) {
    var loaded: [Loaded] = []
    for (index, item) in items.enumerated() {
      while loaded.count < min(items.count, index + ahead + 1) {
        loaded.append(load(&self, items[loaded.count]))
      }
      compute(&self, item, loaded[index])
    }
  }
}
