/** Lets those who go by keys pass over what every page begins with. */
export function SkipLink() {
  const skip = (event: Event) => {
    event.preventDefault();
    document.querySelector('main')?.focus();
  };
  return (
    <a class="skip" href="#main" onClick={skip}>
      To the content
    </a>
  );
}
