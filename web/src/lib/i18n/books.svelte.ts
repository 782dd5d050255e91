import { prefs } from '../prefs.svelte';
import { enBooks } from './en.books';
import { zhBooks, type BooksDict } from './zh.books';

/** The words of the pages about who keeps the book. */
class Books {
  get t(): BooksDict {
    return prefs.lang === 'en' ? enBooks : zhBooks;
  }
}

export const books = new Books();
