use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Answers that are kept, of a bounded number.
#[derive(Debug)]
pub(super) struct Kept<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq, V> Kept<K, V> {
    /// More than a sound use needs; beyond it all is forgotten, and learnt again as it is needed.
    const MAXIMUM: usize = 4_096;

    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.lock().get(key).cloned()
    }

    pub(super) fn keep(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.lock();
        if kept.len() >= Self::MAXIMUM {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&value));
        value
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<V>>> {
        // A panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        for number in 0..10_000 {
            kept.keep(number, number);
            assert!(kept.lock().len() <= Kept::<i32, i32>::MAXIMUM);
        }
        assert_eq!(kept.get(&9_999).as_deref(), Some(&9_999));
    }
}
